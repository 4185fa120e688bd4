/**
 * Which tests show what the numbered scenarios ask for: those that a contract for locks of any kind
 * should have. Names of the kit's tests are given without "the contract, kept by ...".
 */
export const inTheKit: Readonly<Record<number, readonly string[]>> = {
  // A lock
  1: [
    "exclusion > a lock can be acquired, released and acquired again, with a greater token each time",
  ],
  2: ["exclusion > while it is held a second handle finds it busy, and another name free"],
  3: ["waiting > tryAcquire() and a timeout of 0 do not wait"],
  4: ["waiting > a timeout is waited for, not less and not much more, and then it is COORD_BUSY"],
  5: ["releasing > twice, also at once, asks the backend once"],
  6: [
    "a holder that stands still > and releases before it looks frees what is its own, never what another got",
    "a hold that the backend takes away > cannot free its successor, which has a greater token",
    "a hold that the backend takes away > cannot free its successor by a release that comes before the news",
  ],
  7: [
    "a hold that the backend takes away > makes run() reject COORD_LOST with what the body returned, or with the body's own error",
    "a coordinator > whose session ends has lost what it held, for good, and goes on in another",
  ],
  8: ["releasing > that fails never hides what the body threw, nor what it returned"],
  9: [
    "names > that no lock can have, and options that no call can have, are refused before anything is asked",
    "waiting > a timeout longer than timers can count, or without an end, waits for as long as it takes",
  ],
  10: ["names > of any characters and length are all different locks, the same ones to everybody"],
  11: ["names > of any characters and length are all different locks, the same ones to everybody"],
  12: [
    "names > have the coordinator's prefix before them, which keeps programs apart or together",
    "what the kit was given > two URLs do not see each other's locks",
  ],
  13: ["exclusion > a hold that was released is not held again by whoever kept it"],
  14: [
    "exclusion > run() keeps others out, over two coordinators, and passes on values and errors",
  ],
  15: ["exclusion > a hundred that ask at once all get it, one at a time, with tokens that grow"],
  16: [
    "exclusion > four processes that add to one number lose no addition, nor do four coordinators where no other process is reached",
  ],
  17: [
    "a coordinator > that stops gives back what it holds and ends whoever waits through it",
    "a coordinator > that stops while it connects again ends whoever waits, and itself",
    "a request on its way > when its coordinator stops, at any moment, leaves the lock free at once",
  ],
  18: [
    "a coordinator > can be started again after it was stopped, and again, and its locks with it",
  ],
  19: ["a coordinator > that was not started makes no locks: COORD_NOT_STARTED"],
  // Of a process that is idle: after the last release it ends by itself.
  20: ["a process > that holds a lock goes on; after the last release it ends by itself"],

  // Waiting
  21: [
    "those who wait > in one coordinator are served in the order in which they asked",
    "those who wait > in different ones are served one at a release, and in order where the traits promise it",
  ],
  22: [
    "waiting > a release wakes whoever waits, although its clock stands still: nobody tries again by the clock",
  ],
  24: ["waiting > a release between the try and the waiting is not missed"],
  25: [
    "whoever is killed > while waiting is in nobody's way, and three are not for three times as long",
    "giving up > lets those behind move up, who are served as if nobody had been before them",
  ],
  26: ["whoever is killed > just when it would get the lock is passed over, or counts as a holder"],
  28: [
    "giving up > before the call asks for nothing",
    "giving up > while the coordinator connects again takes no longer than otherwise",
    "giving up > while others hold it rejects with the signal's reason at once, and is not granted later",
    "giving up > by an abort at the very moment of the grant leaves the lock either held or free",
    "a request on its way > that is given up in the tick of the call, or in that in which the driver is asked, leaves nothing",
    "a request on its way > that is given up at any moment leaves the lock either held or free",
  ],
  29: [
    "leftovers > thousands of holds and aborted waits leave no descriptor, listener, timer or place in line",
  ],
  30: [
    "leftovers > thousands of holds and aborted waits leave no descriptor, listener, timer or place in line",
    "all of this > prints nothing, warns of nothing and leaves no rejection unhandled",
  ],
  31: [
    "giving up > by a timeout at the very moment of the grant does too",
    "giving up > gives back what is granted when nobody waits for it any more",
  ],
  32: ["waiting > a timeout is one for all: for a new session, for the queue and for the answer"],

  // Processes
  59: [
    "what the kit was given > a process that imports the module sees the same locks, if the backend reaches beyond one",
    "exclusion > four processes that add to one number lose no addition, nor do four coordinators where no other process is reached",
  ],
  // At once where a process's death frees its locks, elsewhere after stop().
  60: [
    "a process > that exits and gives nothing back frees its locks at once, where its death is what frees them; elsewhere when its coordinator stops",
  ],
  61: [
    "a holder that is killed > frees the lock for a waiter within the time the traits publish, not before it is dead",
    "whoever is killed > as a holder has left its name, and a lock that is free when its time is over",
  ],
  62: ["a process > that stops its coordinator on SIGTERM has given back when it ends"],
  63: ["a process > that dies of an error nobody catches frees its locks as one that is killed"],
  64: ["a process > does not leave its locks to its children, by fork() or in a cluster"],
  65: [
    "a process > has threads that keep each other out, as far as the backend reaches beyond one",
  ],

  // Readers and writers
  78: [
    "a shared lock > is held by readers together and by a writer alone",
    "a shared lock > does not keep a writer waiting for as long as readers come",
  ],
  79: ["whoever is killed > as a reader frees its own share and no other's"],
  80: [
    "a shared lock > cannot be made exclusive while it is held, nor the other way round: COORD_BUSY after a timeout",
  ],

  // All of it
  115: ["all of this > prints nothing, warns of nothing and leaves no rejection unhandled"],
};

/**
 * Faults, which the kit makes: names without "faults, survived by ...". 75 and 77, and the credentials
 * of 76, are a matter of each driver that has several endpoints, or credentials.
 */
export const underFaults: Readonly<Record<number, readonly string[]>> = {
  16: [
    "a holder that is paused > for less than that loses nothing, and four who count while they are paused lose no addition",
  ],
  23: [
    "a way to the backend > that breaks again and again costs nobody who holds or waits anything, not even just when a lock is released",
  ],
  27: [
    "a crowd that waits > when the holder is killed: one of them gets it and, which is counted over a network, the others are not woken for nothing",
  ],
  33: [
    "what is held > for much longer than the ttl stays so, with its token; tokens of a name that nobody uses meanwhile go on growing; after stop() nothing more is said over a network",
  ],
  34: [
    "what is held > for much longer than the ttl stays so, with its token; tokens of a name that nobody uses meanwhile go on growing; after stop() nothing more is said over a network",
  ],
  35: [
    "a way to the backend > that is slow has renewals under way all the time, and none of them is taken for a loss",
  ],
  36: [
    "a hold that is revoked > is told to its holder within a beat, in whatever way it is taken; it is not taken back, and its successor has a greater token",
  ],
  37: [
    "a hold that is revoked > is told to its holder within a beat, in whatever way it is taken; it is not taken back, and its successor has a greater token",
  ],
  38: [
    "a way to the backend > that breaks for longer than a lease, in whatever manner, has holders told before others are served, and not long before; where there is none, nothing is a matter of time",
  ],
  39: [
    "a way to the backend > that breaks for longer than a lease, in whatever manner, has holders told before others are served, and not long before; where there is none, nothing is a matter of time",
  ],
  40: [
    "a way to the backend > that breaks for less than that is suspended and connected again: what is held stays, with its token, and who waits is served",
    "an answer that gets lost > of a renewal: nothing is lost; the server reckons with it, and the holder does not",
  ],
  41: [
    "a holder whose event loop is blocked > for longer than its lease has lost it in the first line after; without a lease it has it still",
  ],
  42: [
    "a holder that is paused > beyond its lease has lost at its first look what another has since, and its late write is refused; without a lease it has it still",
  ],
  43: [
    "a step of the wall clock by an hour > forward or back takes nothing from who holds or waits, and gives nobody more time",
  ],
  44: [
    "a machine that sleeps > for longer than a lease has lost, when it wakes, what it held by time, and nothing else",
  ],
  45: [
    "the signal of a hold > may have a listener that throws: others hear of the loss, and the coordinator goes on",
  ],
  46: [
    "the signal of a hold > is not aborted by a release, and is when it is asked for after the loss",
  ],
  47: [
    "a holder whose event loop is blocked > for longer than its lease has lost it in the first line after; without a lease it has it still",
    "a hold that is revoked > is told to its holder within a beat, in whatever way it is taken; it is not taken back, and its successor has a greater token",
    "the signal of a hold > is not aborted by a release, and is when it is asked for after the loss",
  ],
  49: [
    "a backend that is away > refuses whoever starts, once and in words; whoever stops does, in bounded time",
  ],
  50: [
    "what is held > is renewed together: thousands stay held and, over a network, cost no more round trips than ten",
  ],
  51: [
    "tokens > of many who ask at once, in several processes, are all different and grow, also when one starts again",
  ],
  52: [
    "a server that dies > and is back at once with its data takes nothing from who holds, who waits, and who does neither, but what its traits say",
    "a server that dies > for longer than a lease has holders told before, and serves who waits when it is back with its data",
    "a server that dies > and has forgotten everything has its holders told within a beat; the next token is greater where that is promised",
  ],
  53: [
    "a way to the backend > that breaks for longer than a lease, in whatever manner, has holders told before others are served, and not long before; where there is none, nothing is a matter of time",
    "a hold that is revoked > is told to its holder within a beat, in whatever way it is taken; it is not taken back, and its successor has a greater token",
  ],
  54: [
    "what is held > for much longer than the ttl stays so, with its token; tokens of a name that nobody uses meanwhile go on growing; after stop() nothing more is said over a network",
  ],
  55: [
    "a holder that is paused > beyond its lease has lost at its first look what another has since, and its late write is refused; without a lease it has it still",
  ],
  56: [
    "tokens > of many who ask at once, in several processes, are all different and grow, also when one starts again",
  ],
  57: [
    "what is held > for much longer than the ttl stays so, with its token; tokens of a name that nobody uses meanwhile go on growing; after stop() nothing more is said over a network",
  ],
  66: [
    "an answer that gets lost > to one that dies before it comes: what was granted is free when its time is over, what was released at once; a machine that dies says nothing at all",
    "a cable that is pulled > for less than a lease costs nothing, for longer the hold, which is told before another has it",
  ],
  67: [
    "an answer that gets lost > to one that dies before it comes: what was granted is free when its time is over, what was released at once; a machine that dies says nothing at all",
  ],
  68: [
    "an answer that gets lost > to one that dies before it comes: what was granted is free when its time is over, what was released at once; a machine that dies says nothing at all",
  ],
  69: [
    "a server that dies > and is back at once with its data takes nothing from who holds, who waits, and who does neither, but what its traits say",
    "a server that dies > for longer than a lease has holders told before, and serves who waits when it is back with its data",
    "a server that dies > and has forgotten everything has its holders told within a beat; the next token is greater where that is promised",
  ],
  70: [
    "a way to the backend > that breaks again and again costs nobody who holds or waits anything, not even just when a lock is released",
  ],
  71: [
    "a backend that is away > is tried again after delays that are drawn, not all the time, and found when it is back",
  ],
  72: [
    "a way to the backend > that breaks for less than that is suspended and connected again: what is held stays, with its token, and who waits is served",
  ],
  73: [
    "a way to the backend > that breaks for longer than a lease, in whatever manner, has holders told before others are served, and not long before; where there is none, nothing is a matter of time",
  ],
  74: [
    "an answer that gets lost > of an acquire: the server has granted it, it is asked for again as the same, and held once",
    "an answer that gets lost > of a try: it is refused, or granted, and nothing is left over",
    "an answer that gets lost > of a release: the server has freed it, and asking again does not free its successor",
    "an answer that gets lost > of a renewal: nothing is lost; the server reckons with it, and the holder does not",
  ],
  76: [
    "a backend that is away > refuses whoever starts, once and in words; whoever stops does, in bounded time",
  ],
};

/** Those that are not a matter of one driver: each with the file, in `packages`, where its tests are. */
export const elsewhere: Readonly<Record<number, { file: string; tests: readonly string[] }>> = {
  113: {
    file: "testkit/test/scenarios.test.ts",
    tests: ["the public API of each package is written down and compared, in check:packages"],
  },
  114: {
    file: "file/test/doors.test.ts",
    tests: [
      "a driver is not found > when its package is not installed: COORD_DRIVER_MISSING says what to install",
    ],
  },
  117: {
    file: "testkit/test/scenarios.test.ts",
    tests: ["every package that registers a driver runs the kit on it"],
  },
};
