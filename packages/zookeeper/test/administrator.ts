import library, { type Client } from "node-zookeeper-client";

/** A client that is no coordinator, by callbacks of the library. */
export class Administrator implements Disposable {
  readonly #client: Client;

  static async connect(port: number): Promise<Administrator> {
    const client = library.createClient(`127.0.0.1:${port}`, { spinDelay: 50 });
    const connected = new Promise((resolve) => client.once("connected", resolve));
    client.connect();
    await connected;
    return new Administrator(client);
  }

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Empty where the node is missing. */
  children(path: string): Promise<string[]> {
    return new Promise((resolve) => {
      this.#client.getChildren(path, (_, children: string[] | undefined) =>
        resolve(children ?? []),
      );
    });
  }

  delete(path: string): Promise<void> {
    return new Promise((resolve) => this.#client.remove(path, () => resolve()));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
