import { beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { connect, synchronized, type Coordinator } from "@coord/core";
import { Scripted } from "../scripted.js";

let backend: Scripted;
let coordinator: Coordinator;

beforeEach(async () => {
  backend = new Scripted();
  coordinator = await connect("scripted:", { drivers: [backend.driver] });
  return () => coordinator.stop();
});

function held(): string[] {
  return [...backend.held.keys()];
}

describe("as a legacy decorator", () => {
  test("is called as TypeScript's experimentalDecorators do: this file is compiled with them", () => {
    const calls: unknown[][] = [];
    const note = (...args: unknown[]): void => void calls.push(args);
    class Shares {
      @note
      async remove(): Promise<void> {}
      @note
      static async make(): Promise<void> {}
    }
    expect(calls).toEqual([
      [Shares.prototype, "remove", Object.getOwnPropertyDescriptor(Shares.prototype, "remove")],
      [Shares, "make", Object.getOwnPropertyDescriptor(Shares, "make")],
    ]);
  });

  test("of a method runs it under the lock that this call's arguments name", async () => {
    class Shares {
      readonly id = "s";
      @synchronized("{f_name}-{share.id}-{this.id}", { coordinator })
      async remove(share: { id: string }, force: boolean): Promise<unknown[]> {
        await Promise.resolve();
        return [this.id, share, force, ...held()];
      }
      @synchronized("{f_name}-{id}", { coordinator })
      static async make(id: number): Promise<unknown[]> {
        return [id, ...held()];
      }
    }
    const first = { id: "7" };
    expect(await new Shares().remove(first, true)).toEqual(["s", first, true, "remove-7-s"]);
    expect(await Shares.make(5)).toEqual([5, "make-5"]);
    expect(held()).toEqual([]);
    const { value, ...others } = Object.getOwnPropertyDescriptor(Shares.prototype, "remove") ?? {};
    expect(others).toEqual({ configurable: true, enumerable: false, writable: true });
    expect([value.name, value.length]).toEqual(["remove", 2]);
    expectTypeOf<Shares["remove"]>().returns.resolves.toEqualTypeOf<unknown[]>();
  });

  test("of a method with a computed name, and by a function that makes the name", async () => {
    const sign = Symbol("sign");
    class Shares {
      @synchronized("{f_name}-{id}", { coordinator })
      async [sign](id: number): Promise<unknown[]> {
        return [id, ...held()];
      }
      @synchronized((id: number) => `by-function-${id}`, { coordinator, timeout: 1_000 })
      async named(id: number): Promise<unknown[]> {
        return [id, ...held()];
      }
    }
    expect(await new Shares()[sign](1)).toEqual([1, "[sign]-1"]);
    expect(await new Shares().named(2)).toEqual([2, "by-function-2"]);
  });

  test("gives a descriptor that differs in its value only", () => {
    const value = async (): Promise<void> => {};
    const given = { configurable: false, enumerable: true, writable: false, value };
    const made = synchronized("x", { coordinator })({}, "m", given);
    expect(made).toEqual({ ...given, value: expect.any(Function) });
    expect(made.value).not.toBe(value);
  });

  test("twice, takes both locks, the outer first", async () => {
    class Shares {
      @synchronized("outer-{a}", { coordinator })
      @synchronized("inner-{b}", { coordinator })
      async move(a: number, b: number): Promise<unknown[]> {
        return [a, b, ...held()];
      }
    }
    expect(await new Shares().move(1, 2)).toEqual([1, 2, "outer-1", "inner-2"]);
  });

  test("of what is no method is COORD_BAD_OPTION where it decorates", () => {
    const refused = expect.objectContaining({ code: "COORD_BAD_OPTION" });
    const decorator = synchronized("x", { coordinator });
    const untyped = (...args: unknown[]): void => Reflect.apply(decorator, undefined, args);
    expect(() => {
      class Shares {
        @untyped
        get size(): number {
          return 1;
        }
      }
      return Shares;
    }).toThrow(refused);
    expect(() => {
      class Shares {
        @untyped
        field = async (): Promise<number> => 1;
      }
      return Shares;
    }).toThrow(refused);
    expect(() => {
      @untyped
      class Shares {}
      return Shares;
    }).toThrow(refused);
    expect(() => {
      class Shares {
        @untyped
        async *all(): AsyncGenerator<number> {
          yield 1;
        }
      }
      return Shares;
    }).toThrow(refused);
  });
});
