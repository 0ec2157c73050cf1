import fc from "fast-check";

/** What goes wrong while one message is sent. */
export const ACCIDENTS = [
  "none",
  /** The answer does not arrive: the client sends again on the same socket. */
  "answer_lost",
  /** Nor does it, and the client goes to the other server before it sends again. */
  "answer_lost_then_moved",
  /** Sent again although it was answered. */
  "twice_in_a_row",
  /** Two frames at once on one socket. */
  "twice_at_once",
  /** At once on two servers. */
  "twice_on_both_servers",
  /** The connection is gone while the answer is awaited. */
  "cut_while_waiting",
  /** The client has been away before it sends. */
  "away_before",
] as const;
export type Accident = (typeof ACCIDENTS)[number];

/** How often each is drawn, of 100; the rest goes well. */
const ACCIDENT_SHARES: Record<Exclude<Accident, "none">, number> = {
  answer_lost: 4,
  answer_lost_then_moved: 1,
  twice_in_a_row: 4,
  twice_at_once: 4,
  twice_on_both_servers: 1,
  cut_while_waiting: 3,
  away_before: 2,
};

/** People and groups by their place in the plan. */
export type Target = { person: number } | { group: number };

export interface Step {
  to: Target;
  accident: Accident;
  content: string;
  /** How long the client waits before it, and how long an accident lasts, ms. */
  pauseMs: number;
}

/** How a client speaks with a server (docs/realtime.md); the binary protocol is WuKong's. */
export const WAYS = ["gobelieve", "binary", "json_rpc", "binary_over_tcp"] as const;
export type WayName = (typeof WAYS)[number];

export interface DevicePlan {
  person: number;
  /** 0 app, 1 web. */
  deviceFlag: number;
  way: WayName;
  /** Of the binary protocol. */
  version: number;
  /** Says how far it has got, which moves its person's mark. */
  confirms: boolean;
  isCuttable: boolean;
  /** Which of the two servers comes first. */
  server: number;
  steps: Step[];
}

export interface GroupPlan {
  members: number[];
  /** Kept as a log that members copy from. */
  isSuper: boolean;
}

/** A random program, the same for the same seed and size. */
export interface Plan {
  personCount: number;
  groups: GroupPlan[];
  devices: DevicePlan[];
}

export interface PlanSize {
  clientCount: number;
  messageCount: number;
  /**
   * How many messages each client says in a second without waiting for answers, and how many may be
   * unanswered; undefined: one after the other.
   */
  perSecond?: number | undefined;
}

/** One client of so many is a person's second device. */
const CLIENTS_PER_SECOND_DEVICE = 5;
/**
 * At a pace accidents are rarer by so much: each that cuts a connection takes with it all that is
 * unanswered on it, and more would leave the servers with nothing but what is said again.
 */
const CALM_AT_PACE = 20;
/** Every second group of so many clients has lines that can be cut: clients of all ways. */
const CLIENTS_PER_CUT = WAYS.length;
const BINARY_VERSIONS = { min: 2, count: 4 };
const SMALL_GROUP_MEMBERS = { minLength: 3, maxLength: 8 };
const SUPER_GROUP_COUNT = 2;
const CONTENT_LENGTH_MAX = 80;
const PAUSE_MS_MAX = 30;

/** Draws who there is, who is with whom, and what everybody does. */
export function drawPlan(seed: number, { clientCount, messageCount, perSecond }: PlanSize): Plan {
  const personCount = clientCount - Math.floor(clientCount / CLIENTS_PER_SECOND_DEVICE);
  const [groups] = fc.sample(groupsArb(personCount), { seed, numRuns: 1 });
  const [servers] = fc.sample(
    fc.array(fc.nat({ max: 1 }), { minLength: clientCount, maxLength: clientCount }),
    { seed, numRuns: 1 },
  );
  const drawn = fc.sample(stepArb(clientCount, perSecond ? CALM_AT_PACE : 1), {
    seed,
    numRuns: messageCount,
  });
  const devices = Array.from({ length: clientCount }, (_, device): DevicePlan => {
    const person = device % personCount;
    const isAlone = person + personCount >= clientCount;
    return {
      person,
      deviceFlag: device < personCount ? 0 : 1,
      way: wayOf({ person, isFirst: device < personCount }),
      version: BINARY_VERSIONS.min + Math.floor(device / WAYS.length) % BINARY_VERSIONS.count,
      // A client of GoBelieve without a key yet begins at the mark its person's clients have moved.
      confirms: isAlone || wayOf({ person, isFirst: true }) !== "gobelieve",
      isCuttable: Math.floor(device / CLIENTS_PER_CUT) % 2 === 1,
      server: servers![device]!,
      steps: [],
    };
  });
  for (const { device, kind, pick, ...step } of drawn) {
    const { person, steps } = devices[device]!;
    const to = targetOf({ kind, pick }, person, { personCount, groups: groups! });
    steps.push({ to, ...step });
  }
  return { personCount, groups: groups!, devices };
}

/** A person's second client speaks another way than the first; of two one may have no key yet. */
function wayOf({ person, isFirst }: { person: number; isFirst: boolean }): WayName {
  const at = person % WAYS.length;
  if (isFirst) return WAYS[at]!;
  if (WAYS[at] === "gobelieve") return "json_rpc";
  return WAYS[1 + at % (WAYS.length - 1)]!;
}

function groupsArb(personCount: number): fc.Arbitrary<GroupPlan[]> {
  const everybody = Array.from({ length: personCount }, (_, person) => person);
  const groupArb = (isSuper: boolean, size: { minLength: number; maxLength: number }) =>
    fc.record({ members: fc.shuffledSubarray(everybody, size), isSuper: fc.constant(isSuper) });
  const smallCount = Math.ceil(personCount / 4);
  const half = Math.ceil(personCount / 2);
  return fc.tuple(
    fc.array(groupArb(false, SMALL_GROUP_MEMBERS), {
      minLength: smallCount,
      maxLength: smallCount,
    }),
    fc.array(groupArb(true, { minLength: half, maxLength: personCount }), {
      minLength: SUPER_GROUP_COUNT,
      maxLength: SUPER_GROUP_COUNT,
    }),
  ).map((kinds) => kinds.flat());
}

/** A step before it is known whom its sender knows. */
interface DrawnStep extends Omit<Step, "to"> {
  kind: "person" | "small" | "super";
  pick: number;
}

function stepArb(clientCount: number, calm: number): fc.Arbitrary<DrawnStep & { device: number }> {
  const accidents = Object.entries(ACCIDENT_SHARES) as [Accident, number][];
  const rest = 100 * calm - accidents.reduce((sum, [, share]) => sum + share, 0);
  const accidentArb = fc.oneof(
    { weight: rest, arbitrary: fc.constant<Accident>("none") },
    ...accidents.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })),
  );
  const kindArb = fc.oneof(
    { weight: 6, arbitrary: fc.constant("person" as const) },
    { weight: 3, arbitrary: fc.constant("small" as const) },
    { weight: 1, arbitrary: fc.constant("super" as const) },
  );
  return fc.record({
    device: fc.nat({ max: clientCount - 1 }),
    kind: kindArb,
    pick: fc.nat(),
    accident: accidentArb,
    // PostgreSQL's texts have no NUL, which JSON escapes anyway; everything else is welcome.
    content: fc.string({ unit: "grapheme", maxLength: CONTENT_LENGTH_MAX }),
    pauseMs: fc.nat({ max: PAUSE_MS_MAX }),
  }, { noNullPrototype: true });
}

/** Somebody else, or a group one is in; who is in none of the kind writes to a person. */
function targetOf(
  { kind, pick }: Pick<DrawnStep, "kind" | "pick">,
  person: number,
  { personCount, groups }: Pick<Plan, "personCount" | "groups">,
): Target {
  const own = kind === "person"
    ? []
    : groups.flatMap(({ members, isSuper }, group) =>
      isSuper === (kind === "super") && members.includes(person) ? [group] : []
    );
  if (own.length > 0) return { group: own[pick % own.length]! };
  return { person: (person + 1 + pick % (personCount - 1)) % personCount };
}
