import * as apps from "./apps.ts";
import * as recharges from "./recharges.ts";
import { mount } from "./surface.ts";
import * as withdrawals from "./withdrawals.ts";

/** The surface's table of contents, in the contract's order; operations of ours come last. */
export const surface = mount([
  recharges.confirmSomeRecharge,
  withdrawals.listSomeWithdrawals,
  withdrawals.confirmWithdrawal,
  withdrawals.rejectWithdrawal,
  apps.addSomeApp,
  apps.listSomeApps,
  apps.rotateSomeSecret,
  apps.disableSomeApp,
]);
