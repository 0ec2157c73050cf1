import * as auth from "./auth.ts";
import * as clientGroups from "./client/groups.ts";
import * as groups from "./groups.ts";
import * as groupMembers from "./groups/members.ts";
import * as messages from "./messages.ts";
import * as stores from "./stores.ts";
import * as supporters from "./supporters.ts";
import { mount } from "./surface.ts";
import * as users from "./users.ts";

/** The surface's table of contents, in the contract's order; operations of ours come last. */
export const surface = mount([
  auth.grant,
  users.set,
  groups.create,
  groups.edit,
  groups.disband,
  groupMembers.add,
  groupMembers.remove,
  groupMembers.removeSeveral,
  groups.upgrade,
  groupMembers.change,
  messages.sendToPeers,
  messages.sendToGroup,
  messages.sendSystem,
  messages.notify,
  messages.notifyGroup,
  messages.sendToChatRoom,
  auth.logIn,
  supporters.find,
  messages.readOfflineCount,
  messages.list,
  clientGroups.create,
  clientGroups.list,
  clientGroups.edit,
  clientGroups.disband,
  clientGroups.addMembers,
  clientGroups.removeMember,
  clientGroups.removeMembers,
  clientGroups.changeMember,
  auth.revoke,
  stores.add,
  stores.list,
  stores.assignSellers,
  clientGroups.listMembers,
]);
