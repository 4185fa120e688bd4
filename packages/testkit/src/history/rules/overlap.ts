import { Beliefs, Robbed, type Belief } from "../belief.js";
import { exclude, grantedByName, type Story } from "../story.js";
import { at, nameOf, violation, type Violation } from "../violation.js";

/**
 * R1: at no instant do two holds that exclude each other both pass `assertHeld()`. Where one was taken
 * away at the backend before the other was granted, only the tokens protect.
 */
export function overlap(story: Story): Violation[] {
  const [beliefs, robbed] = [new Beliefs(story), new Robbed(story)];
  const found: Violation[] = [];
  for (const holds of grantedByName(story).values()) {
    const believed = holds.flatMap((hold) => beliefs.of(hold) ?? []);
    believed.sort((a, b) => a.from - b.from);
    let current: Belief[] = [];
    for (const later of believed) {
      current = current.filter(({ until }) => until > later.from);
      for (const { request } of current) {
        if (!exclude(request, later.request) || robbed.between(request, later.request)) continue;
        const both = `${nameOf(later.request)} passed assertHeld() ${at(later.request.firstHeld ?? later.request.granted)}, when ${nameOf(request)} still had it`;
        found.push(violation("overlap", `${both}.`, later.request, request));
      }
      current.push(later);
    }
  }
  return found;
}
