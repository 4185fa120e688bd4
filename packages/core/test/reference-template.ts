/**
 * What `renderTemplate()` must give, found one character at a time and with no thought for speed;
 * undefined where it must throw. Written from the documentation, not from the code.
 */
export function referenceName(template: string, data: object): string | undefined {
  const left = Array.from(template);
  let name = "";
  try {
    while (left.length > 0) {
      const character = take(left);
      const doubled = left[0] === character;
      if (character !== "{" && character !== "}") name += character;
      else if (doubled) name += take(left);
      else if (character === "{") name += valueOfField(left, data);
      else throw refused;
    }
    return name;
  } catch (error) {
    if (error === refused) return undefined;
    throw error;
  }
}

const refused = new Error("refused");
const ends = new Set(".[]{}!:");

function take(left: string[]): string {
  const character = left.shift();
  if (character === undefined) throw refused;
  return character;
}

/** Reads on until after the field's closing brace, even when its value is known to be bad. */
function valueOfField(left: string[], data: object): string {
  const name = takeWord(left);
  if (Array.from(name).every((character) => "0123456789".includes(character))) throw refused;
  let value = rootValue(data, name);
  for (;;) {
    const character = take(left);
    if (character === "}") return toName(value);
    if (character === ".") value = step(value, takeWord(left), false);
    else if (character === "[") value = step(value, takeKey(left), true);
    else throw refused;
  }
}

function takeWord(left: string[]): string {
  let word = "";
  while (left[0] !== undefined && !ends.has(left[0])) word += take(left);
  if (word === "") throw refused;
  return word;
}

function takeKey(left: string[]): string {
  let key = "";
  for (let character = take(left); character !== "]"; character = take(left)) key += character;
  if (key === "") throw refused;
  return key;
}

/** Of what every object inherits, only what the data has itself is in it. */
function rootValue(data: object, name: string): unknown {
  if (name in {} && !Object.hasOwn(data, name)) return undefined;
  return get(data, name);
}

function step(value: unknown, key: string, isBracket: boolean): unknown {
  if (value === undefined || value === null) throw refused;
  return isBracket && value instanceof Map ? value.get(key) : get(value, key);
}

function get(from: {}, key: string): unknown {
  try {
    return Reflect.get(Object(from), key);
  } catch {
    throw refused;
  }
}

function toName(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || value === true || value === false) return `${value}`;
  if (typeof value === "number" && value - value === 0) return `${value}`;
  throw refused;
}
