import { expect, test } from "vitest";
import { isRefusal, wasDemoted } from "../src/connection/failures.js";

const inScript = "ERR Error running script (call to f_1): @user_script:1: ";

test.each([
  ["NOPERM this user has no permissions", true],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", true],
  [`${inScript}@user_script: 1: Wrong number of args calling Redis command`, true],
  ["READONLY You can't write against a read only replica.", false],
  [`${inScript}-READONLY You can't write against a read only replica.`, false],
  [`${inScript}-MISCONF Redis is configured to save RDB snapshots`, false],
  [`${inScript}-OOM command not allowed when used memory > 'maxmemory'.`, false],
  ["LOADING Redis is loading the dataset in memory", false],
])(
  "%s: whether it is refused for good is %s, also as versions before 7 tell it",
  (message, refused) => {
    expect(isRefusal(new Error(message))).toBe(refused);
    expect(wasDemoted(new Error(message))).toBe(message.includes("READONLY"));
  },
);
