import { execFileSync, spawnSync } from "node:child_process";

/** How many cables this process has laid. */
let count = 0;

/**
 * A network cable to another network namespace of this machine, which can be pulled: what is sent
 * then is lost, nobody is told, and connections stay open at both ends. Root can lay one on Linux.
 */
export class Cable implements Disposable {
  /** The address of this end: a server, or a proxy, has to listen on it. */
  readonly host: string;
  /** The address of the other end, for what listens there. */
  readonly far: string;
  /** What a process at the other end is started with, as `inside`: it has no other network. */
  readonly inside: readonly string[];
  readonly #namespace: string;
  readonly #here: string;
  readonly #remove = (): void => {
    // What it had of the cable goes with it, and so does this end.
    spawnSync("ip", ["netns", "del", this.#namespace]);
    spawnSync("ip", ["link", "del", this.#here]);
  };

  /** Why there can be none here; undefined where there can. */
  static get problem(): string | undefined {
    if (process.platform !== "linux") return "network namespaces are Linux's";
    if (spawnSync("ip", ["-V"]).error) return "`ip` is missing: apt-get install iproute2";
    const name = `coord-try-${process.pid}`;
    const { status, stderr } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
    if (status !== 0) return `\`ip netns add\` is refused, it needs root: ${stderr.trim()}`;
    const link = ["link", "add", `cot${process.pid % 100_000_000}`, "type", "veth", "peer", "name"];
    const added = spawnSync("ip", [...link, "far", "netns", name], { encoding: "utf8" });
    spawnSync("ip", ["netns", "del", name]);
    return added.status === 0 ? undefined : `no veth can be made: ${added.stderr.trim()}`;
  }

  /** @throws where `problem` says why */
  constructor() {
    count += 1;
    // Both are unique on a machine, and short enough for the name of an interface.
    const id = `${process.pid.toString(36)}-${count.toString(36)}`;
    this.#namespace = `coord-${id}`;
    this.#here = `co${id}`;
    // Of 10.208.0.0/12 a network of four for each: not one that the machine is in itself, most likely.
    const number = ((process.pid % 4_096) * 64 + (count % 64)) * 4;
    const address = (last: number): string =>
      `10.${208 + (number >> 16)}.${(number >> 8) & 255}.${(number & 255) + last}`;
    this.host = address(1);
    this.far = address(2);
    this.inside = ["ip", "netns", "exec", this.#namespace];
    process.once("exit", this.#remove);
    try {
      const far = ["ip", "-n", this.#namespace] as const;
      run("ip", "netns", "add", this.#namespace);
      run(
        "ip",
        "link",
        "add",
        this.#here,
        "type",
        "veth",
        "peer",
        "name",
        "far",
        "netns",
        this.#namespace,
      );
      run("ip", "address", "add", `${this.host}/30`, "dev", this.#here);
      run("ip", "link", "set", this.#here, "up");
      run(...far, "address", "add", `${this.far}/30`, "dev", "far");
      run(...far, "link", "set", "far", "up");
      run(...far, "link", "set", "lo", "up");
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Nothing that is sent arrives, either way. */
  pull(): void {
    run("ip", "link", "set", this.#here, "down");
  }

  /** Puts it in again: what was sent meanwhile is sent again by those who still care. */
  plug(): void {
    run("ip", "link", "set", this.#here, "up");
  }

  /** Takes it away, with the namespace. Doing so twice changes nothing. */
  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

function run(...[command = "", ...args]: readonly string[]): void {
  execFileSync(command, args, { stdio: "pipe" });
}
