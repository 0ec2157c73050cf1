import { mount } from "./surface.ts";
import * as userfuzzysearch from "./userfuzzysearch.ts";
import * as users from "./users.ts";
import * as usersBulk from "./users-bulk.ts";
import * as paymentMethods from "./users/payment-methods.ts";

/** The surface's table of contents, in the contract's order. */
export const surface = mount([
  users.list,
  users.read,
  users.update,
  users.remove,
  usersBulk.add,
  usersBulk.update,
  usersBulk.remove,
  paymentMethods.list,
  paymentMethods.read,
  userfuzzysearch.search,
]);
