/** A number as ZooKeeper writes it: ten characters, or one more, the sign among them. */
const ending = /(-\d{9,10}|\d{10})$/;
const contending = new RegExp(`(__lock__|__rlock__)${ending.source}`);

/** What the names of nodes are, between the owner's id and the number: kazoo's words. */
const marks = { exclusive: "__lock__", shared: "__rlock__" } as const;

/** A node in a lock's folder that stands for somebody who holds the lock, or waits for it. */
export interface Contender {
  /** Its name in the folder. */
  readonly node: string;
  /** Its place in line, by ZooKeeper's count of what was ever made in the folder. */
  readonly number: number;
  readonly shared: boolean;
}

/** Where things are: `<root>/<namespace>/locks/<name>/<owner>__lock__<number>`. */
export class Paths {
  /** The folder of the locks' folders. */
  readonly locks: string;
  /** A node that is never there. */
  readonly nothing: string;

  /** @param root a path in front of all, or the empty string */
  constructor(root: string, namespace: string) {
    const own = `${root}/${escape(namespace)}`;
    this.locks = `${own}/locks`;
    this.nothing = `${own}/nothing`;
  }

  /** The folder of a lock. */
  of(name: string): string {
    return `${this.locks}/${escape(name)}`;
  }
}

/** What a contender's name begins with: ZooKeeper adds the number. */
export function beginningOf(owner: string, mode: keyof typeof marks): string {
  return owner + marks[mode];
}

/** The number that ZooKeeper gave a node. */
export function numberOf(node: string): number {
  return Number(ending.exec(node)?.[0]);
}

/** Whom a child of a lock's folder stands for; undefined for nobody. */
export function contenderOf(child: string): Contender | undefined {
  const [, mark, number] = contending.exec(child) ?? [];
  if (mark === undefined) return undefined;
  return { node: child, number: Number(number), shared: mark === marks.shared };
}

/** The contenders among the children of a lock's folder, in their order. */
export function contendersOf(children: readonly string[]): readonly Contender[] {
  return inOrder(children.map(contenderOf));
}

export function inOrder(contenders: readonly (Contender | undefined)[]): readonly Contender[] {
  return contenders
    .filter((each) => each !== undefined)
    .sort((one, two) => distance(one.number, two.number));
}

/**
 * By how much one number is ahead of another. They are of 32 bits: after 2147483647 comes -2147483648,
 * and no folder has so many at once that it would be unclear who comes first.
 */
function distance(one: number, two: number): number {
  return (one - two) | 0;
}

/** The last contender before this one that keeps it waiting; undefined if it has the lock. */
export function blockerOf(
  { number, shared }: Contender,
  contenders: readonly Contender[],
): Contender | undefined {
  return contenders.findLast(
    (each) => distance(each.number, number) < 0 && !(shared && each.shared),
  );
}

/**
 * Any name as a node's. ZooKeeper takes no slash, no control characters, nothing of private use, nothing
 * that UTF-16 writes as a pair, and no name of dots alone.
 */
function escape(name: string): string {
  if (name === "." || name === "..") return name.replaceAll(".", "%2E");
  return name.replace(/[%/\p{Cc}\p{Co}\u{fff0}-\u{10ffff}]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}
