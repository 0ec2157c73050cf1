import type { CustomerProof } from "../../../db/schema/apps.ts";

/** A way to come as a customer, by an app's rule, and what is so then. */
export interface AskPath {
  asked: CustomerProof;
  says: string;
  /** How the customer came before, as Anna; none: an id never seen. */
  before: { device_id?: string; with?: string }[];
  /** How somebody comes now, as Mallory. */
  call: { device_id?: string; with?: string[] };
  /** Refused with nothing changed; or their name, and their devices, `!` behind what is proven. */
  then: "refused" | { name: string; devices: string[] };
}

type Row = Omit<AskPath, "asked">;

const wrongProofs = [
  "basic of another app",
  "basic with a wrong secret",
  "sign of another id",
  "sign of another app",
  "sign with the MD5",
  "token of another",
  "bearer of another",
];
const rightProofs = ["basic", "sign"];

/** A proof is one whatever the rule, where any is asked. */
const proven: Row[] = [
  ...wrongProofs.map((proof): Row => ({
    says: `a new id with ${proof} is refused`,
    before: [],
    call: { with: [proof] },
    then: "refused",
  })),
  ...wrongProofs.map((proof): Row => ({
    says: `a known id with ${proof} is refused, on a device of theirs too`,
    before: [{ device_id: "A" }],
    call: { device_id: "A", with: [proof] },
    then: "refused",
  })),
  ...rightProofs.map((proof): Row => ({
    says: `a new id with ${proof} is let in, and its device proven`,
    before: [],
    call: { device_id: "A", with: [proof] },
    then: { name: "Mallory", devices: ["A!"] },
  })),
  ...[...rightProofs, "token", "bearer"].map((proof): Row => ({
    says: `a known id with ${proof} is let in, and devices without a proof go`,
    before: [{ device_id: "A" }],
    call: { device_id: "B", with: [proof] },
    then: { name: "Mallory", devices: ["B!"] },
  })),
  {
    says: "devices with a proof stay beside the next",
    before: [{ device_id: "A", with: "sign" }],
    call: { device_id: "B", with: ["basic"] },
    then: { name: "Mallory", devices: ["A!", "B!"] },
  },
  {
    says: "a device without a proof is proven by one",
    before: [{ device_id: "A" }],
    call: { device_id: "A", with: ["sign"] },
    then: { name: "Mallory", devices: ["A!"] },
  },
  {
    says: "a proof that holds is enough beside one that does not",
    before: [{ device_id: "A" }],
    call: { device_id: "B", with: ["token of another", "sign"] },
    then: { name: "Mallory", devices: ["B!"] },
  },
  {
    says: "a new id alone is let in",
    before: [],
    call: {},
    then: { name: "Mallory", devices: [] },
  },
  {
    says: "a new id on a device is let in, and the device theirs",
    before: [],
    call: { device_id: "A" },
    then: { name: "Mallory", devices: ["A"] },
  },
  {
    says: "a known id without a device of theirs is refused",
    before: [{ device_id: "A" }],
    call: {},
    then: "refused",
  },
  {
    says: "a known id on another device is refused",
    before: [{ device_id: "A" }],
    call: { device_id: "B" },
    then: "refused",
  },
];

const device: Row[] = [
  {
    says: "a known id on a device of theirs is let in",
    before: [{ device_id: "A" }],
    call: { device_id: "A" },
    then: { name: "Mallory", devices: ["A"] },
  },
  {
    says: "an id that never gave a device is let in alone, and not renamed",
    before: [{}],
    call: {},
    then: { name: "Anna", devices: [] },
  },
  {
    says: "an id that never gave a device is let in on one, which is not bound",
    before: [{}],
    call: { device_id: "A" },
    then: { name: "Anna", devices: [] },
  },
];

const always: Row[] = [
  {
    says: "a known id on a device of theirs is refused",
    before: [{ device_id: "A", with: "sign" }],
    call: { device_id: "A" },
    then: "refused",
  },
  {
    says: "an id that never gave a device is refused",
    before: [{}],
    call: {},
    then: "refused",
  },
];

const never: Row[] = [
  {
    says: "a known id alone is let in and renamed",
    before: [{ device_id: "A" }],
    call: {},
    then: { name: "Mallory", devices: ["A"] },
  },
  {
    says: "a known id on another device is let in and renamed, and the device not bound",
    before: [{ device_id: "A" }],
    call: { device_id: "B" },
    then: { name: "Mallory", devices: ["A"] },
  },
  ...["sign of another id", "token of another", "bearer of another"].map((proof): Row => ({
    says: `a known id with ${proof} is let in, since nobody looks`,
    before: [{ device_id: "A" }],
    call: { device_id: "B", with: [proof] },
    then: { name: "Mallory", devices: ["A"] },
  })),
  {
    says: "wrong server credentials are refused all the same",
    before: [{ device_id: "A" }],
    call: { device_id: "A", with: ["basic with a wrong secret"] },
    then: "refused",
  },
];

const by = (asked: CustomerProof, paths: Row[]) => paths.map((path) => ({ asked, ...path }));

export const askPaths: AskPath[] = [
  ...by("device", [...proven, ...device]),
  ...by("always", [...proven, ...always]),
  ...by("never", never),
];
