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
  auth.grantSomeToken,
  users.setSomebody,
  groups.postGroup,
  groups.patchGroup,
  groups.deleteGroup,
  groupMembers.postMembers,
  groupMembers.deleteMember,
  groupMembers.deleteMembers,
  groups.postUpgrade,
  groupMembers.patchMember,
  messages.sendPeerMessage,
  messages.sendGroupMessage,
  messages.sendSystemMessage,
  messages.sendNotification,
  messages.sendGroupNotification,
  messages.sendRoomMessage,
  auth.logSomeCustomerIn,
  supporters.getSupporter,
  messages.getOfflineCount,
  messages.getMessages,
  clientGroups.postClientGroup,
  clientGroups.getClientGroups,
  clientGroups.patchClientGroup,
  clientGroups.deleteClientGroup,
  clientGroups.postClientMembers,
  clientGroups.deleteClientMember,
  clientGroups.deleteClientMembers,
  clientGroups.patchClientMember,
  auth.revokeSomeToken,
  stores.addSomeStore,
  stores.listSomeStores,
  stores.setSomeSellers,
]);
