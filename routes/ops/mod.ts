import * as apps from "./apps.ts";
import * as audit from "./audit.ts";
import * as auth from "./auth.ts";
import * as broadcasts from "./broadcasts.ts";
import * as cnyRecords from "./cny_records.ts";
import * as deadLetters from "./dead-letters.ts";
import * as groups from "./groups.ts";
import * as payments from "./groups/payments.ts";
import * as groupMessages from "./groups/send_message.ts";
import * as groupUsers from "./groups/users.ts";
import * as jobs from "./jobs.ts";
import * as keys from "./keys.ts";
import * as me from "./me.ts";
import * as operators from "./operators.ts";
import * as profits from "./profits.ts";
import * as download from "./profits/download.ts";
import * as feedback from "./profits/feedback.ts";
import * as recharges from "./recharges.ts";
import { mount } from "./surface.ts";
import * as withdrawals from "./withdrawals.ts";

/** The surface's table of contents, in the contract's order; operations of ours come last. */
export const surface = mount([
  auth.logInByMixin,
  groups.list,
  groups.read,
  groups.edit,
  groupUsers.list,
  groupMessages.send,
  groups.start,
  groups.stop,
  profits.list,
  download.download,
  feedback.give,
  cnyRecords.set,
  payments.record,
  recharges.confirm,
  withdrawals.list,
  withdrawals.confirm,
  withdrawals.reject,
  apps.add,
  apps.list,
  apps.edit,
  apps.rotate,
  apps.disable,
  broadcasts.read,
  jobs.list,
  jobs.run,
  deadLetters.list,
  deadLetters.redrive,
  audit.list,
  me.read,
  auth.logOut,
  operators.list,
  operators.add,
  operators.change,
  operators.disable,
  operators.logOut,
  keys.list,
  keys.add,
  keys.rotate,
  keys.disable,
]);
