import fc from "fast-check";

/** How often each kind of step is drawn. */
const WEIGHTS = {
  recharge: 5,
  confirm: 3,
  token: 3,
  create: 5,
  pay: 6,
  open: 9,
  look: 2,
  read: 3,
  send: 6,
  receive: 5,
  readTransfer: 2,
  withdraw: 4,
  decide: 3,
  wallet: 1,
  records: 2,
  advance: 4,
  settle: 2,
  repeat: 6,
  twist: 4,
  overdraw: 2,
};
export type What = keyof typeof WEIGHTS;

/** What to do, and numbers that choose with whom and with what: what there is depends on the run. */
export interface Step {
  what: What;
  numbers: number[];
}

export interface Program {
  personCount: number;
  isManual: boolean;
  steps: Step[];
}

export const STEP_COUNT_MAX = 22;
const NUMBER_COUNT = 6;
const NUMBER_MAX = 9_999;

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(
    ...Object.entries(WEIGHTS).map(([what, weight]) => ({
      weight,
      arbitrary: fc.constant(what as What),
    })),
  ),
  numbers: fc.array(fc.nat(NUMBER_MAX), { minLength: NUMBER_COUNT, maxLength: NUMBER_COUNT }),
});

/** Any program; those that fail are made smaller by leaving steps out. */
export const programs: fc.Arbitrary<Program> = fc.noBias(fc.record({
  personCount: fc.integer({ min: 3, max: 6 }),
  isManual: fc.boolean(),
  steps: fc.array(step, { minLength: 1, maxLength: STEP_COUNT_MAX, size: "max" }),
}));
