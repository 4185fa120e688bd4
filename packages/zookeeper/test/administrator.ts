import library, { type Client } from "node-zookeeper-client";

/** A client that is no coordinator, by callbacks of the library. */
export class Administrator implements Disposable {
  readonly #client: Client;

  /** @param user `user:password`, for one who has nodes of its own */
  static async connect(port: number, user?: string): Promise<Administrator> {
    const client = library.createClient(`127.0.0.1:${port}`, { spinDelay: 50 });
    if (user !== undefined) client.addAuthInfo("digest", Buffer.from(user));
    const connected = new Promise((resolve) => client.once("connected", resolve));
    client.connect();
    await connected;
    return new Administrator(client);
  }

  /** Ends somebody else's session, as who knows its password can. */
  static async end(
    port: number,
    session: { readonly sessionId: Buffer; readonly sessionPassword: Buffer },
  ): Promise<void> {
    const client = library.createClient(`127.0.0.1:${port}`, session);
    const connected = new Promise((resolve) => client.once("connected", resolve));
    const closed = new Promise((resolve) => client.once("disconnected", resolve));
    client.connect();
    await connected;
    client.close();
    await closed;
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

  /** Who may do what with a node. */
  acl(path: string): Promise<{ permission: number; scheme: string; id: string }[]> {
    return new Promise((resolve, reject) => {
      this.#client.getACL(path, (error, list) => {
        if (error) reject(error);
        else resolve(list.map(({ permission, id }) => ({ permission, ...id })));
      });
    });
  }

  /** Makes a node that ends with us. */
  create(path: string, data: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const { OPEN_ACL_UNSAFE: anybody } = library.ACL;
      this.#client.create(path, Buffer.from(data), anybody, 1, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  delete(path: string): Promise<void> {
    return new Promise((resolve) => this.#client.remove(path, () => resolve()));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
