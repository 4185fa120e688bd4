/** Of the package, what the floor uses. */
declare module "node-zookeeper-client" {
  export interface Client {
    once(event: "connected", listener: () => void): void;
    connect(): void;
    close(): void;
    create(path: string, mode: number, callback: (error: Error | null, path: string) => void): void;
    getChildren(path: string, callback: (error: Error | null, children: string[]) => void): void;
    remove(path: string, callback: (error: Error | null) => void): void;
  }

  const library: {
    createClient(address: string, options: { sessionTimeout: number }): Client;
    readonly CreateMode: { readonly PERSISTENT: number; readonly EPHEMERAL_SEQUENTIAL: number };
  };
  export default library;
}
