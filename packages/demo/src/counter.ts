import { readFile, writeFile } from "node:fs/promises";

// Always as many bytes: a reader sees the old number or the new one, never an empty file.
const width = 16;

/** Makes the file that everybody counts in, or starts it again. */
export async function resetCounter(file: string): Promise<void> {
  await writeFile(file, "0".padStart(width));
}

/** The number in the file. */
export async function readCounter(file: string): Promise<number> {
  return Number(await readFile(file, "utf8"));
}

/**
 * Overwrites the number in the file. Nothing protects what others wrote since it was read: reading,
 * adding and writing is the turn that a lock is needed for.
 */
export async function writeCounter(file: string, number: number): Promise<void> {
  await writeFile(file, String(number).padStart(width), { flag: "r+" });
}
