import * as appconfig from "./common/appconfig.ts";
import * as appversion from "./common/appversion.ts";
import * as channels from "./channels.ts";
import * as conversation from "./conversation.ts";
import * as conversationExtra from "./conversation/extra.ts";
import * as conversations from "./conversations.ts";
import * as conversationsExtra from "./conversations/extra.ts";
import * as coversation from "./coversation.ts";
import * as favorite from "./favorite.ts";
import * as favorites from "./favorites.ts";
import * as file from "./file.ts";
import * as friend from "./friend.ts";
import * as friendApply from "./friend/apply.ts";
import * as friendRefuse from "./friend/refuse.ts";
import * as friendRemark from "./friend/remark.ts";
import * as friendSync from "./friend/sync.ts";
import * as group from "./group.ts";
import * as groupMy from "./group/my.ts";
import * as groups from "./groups.ts";
import * as groupBlacklist from "./groups/blacklist.ts";
import * as groupAvatar from "./groups/avatar.ts";
import * as groupManagers from "./groups/managers.ts";
import * as groupMember from "./groups/member.ts";
import * as groupMembers from "./groups/members.ts";
import * as label from "./label.ts";
import * as message from "./message.ts";
import * as prohibitWords from "./message/prohibit_words.ts";
import * as messageExtra from "./message/extra.ts";
import * as messageReaded from "./message/readed.ts";
import * as reminder from "./message/reminder.ts";
import * as messagesReceipt from "./messages/receipt.ts";
import * as organization from "./organization.ts";
import * as messageChannel from "./message/channel.ts";
import * as messageOffset from "./message/offset.ts";
import * as qrcode from "./qrcode.ts";
import * as redpacket from "./redpacket.ts";
import * as redpackets from "./redpackets.ts";
import * as search from "./search.ts";
import * as sticker from "./sticker.ts";
import { mount } from "./surface.ts";
import * as transfers from "./transfers.ts";
import * as user from "./user.ts";
import * as login from "./user/login.ts";
import * as userOnline from "./user/online.ts";
import * as reddot from "./user/reddot.ts";
import * as register from "./user/register.ts";
import * as sms from "./user/sms.ts";
import * as users from "./users.ts";
import * as userAvatar from "./users/avatar.ts";
import * as wallet from "./wallet.ts";
import * as bankcard from "./wallet/bankcard.ts";
import * as bankcards from "./wallet/bankcards.ts";
import * as banks from "./wallet/banks.ts";
import * as nameauth from "./wallet/nameauth.ts";
import * as pay from "./wallet/pay.ts";
import * as withdraw from "./wallet/withdraw.ts";

/** The surface's table of contents, in the contract's order. */
export const surface = mount([
  register.register,
  login.logIn,
  user.search,
  users.read,
  users.set,
  user.registerDevice,
  user.unregisterDevice,
  user.setBadge,
  user.grantLogin,
  user.openLogin,
  user.readLoginStatus,
  user.logInByAuthCode,
  user.readDevices,
  user.forgetDevice,
  user.listServices,
  user.changeChatPassword,
  user.readBlacklist,
  user.unblock,
  user.block,
  sms.sendLoginCode,
  login.confirmPhone,
  sms.sendRegisterCode,
  users.readRoute,
  users.changeCurrent,
  user.listOnline,

  friend.apply,
  friend.confirm,
  friend.sync,
  friend.listOnline,
  friend.remove,

  message.sync,
  message.remove,
  message.revoke,
  message.acknowledge,

  group.create,
  group.showInvite,
  group.acceptInvite,

  groups.read,
  groups.edit,
  groups.set,
  groupMembers.add,
  groupMembers.remove,
  groupMembers.rename,
  groups.listMembers,
  groupManagers.add,
  groupManagers.remove,
  groups.forbid,
  groups.openQrcode,
  groups.transfer,
  groupMember.invite,
  groupMember.openConfirmPage,
  groups.exit,
  groups.join,

  coversation.clearUnread,
  conversations.list,

  qrcode.scan,

  favorite.list,

  favorites.add,
  favorites.remove,

  wallet.read,
  wallet.listChannels,
  wallet.recharge,
  pay.sendCode,
  pay.verifyCode,
  pay.setPassword,
  pay.takeToken,
  wallet.listRecords,
  wallet.listServices,
  bankcards.add,
  bankcards.list,
  banks.list,
  bankcard.recognize,
  nameauth.read,
  withdraw.explain,
  withdraw.withdraw,

  redpackets.create,
  redpackets.pay,
  redpackets.lookAt,
  redpackets.open,
  redpackets.read,
  redpacket.readYears,
  redpacket.readSentSum,
  redpacket.readTakenSum,
  redpacket.readSent,
  redpacket.readTaken,

  transfers.create,
  transfers.read,
  transfers.receive,

  label.add,
  label.list,
  label.edit,
  label.remove,
  label.read,

  appconfig.readConfig,
  appversion.readVersion,
  prohibitWords.sync,
  sticker.listCategories,
  sticker.list,
  organization.listJoined,
  user.readDevice,

  groupBlacklist.add,
  groupBlacklist.remove,
  conversation.sync,
  conversation.acknowledge,
  messageChannel.sync,
  messageOffset.clear,
  channels.read,
  conversations.hide,
  friendSync.list,
  friendApply.list,
  friendApply.remove,
  friendRefuse.refuse,
  friendRemark.set,
  reddot.countApplies,
  reddot.clearApplies,
  userOnline.overview,
  groupMy.list,
  groupMembers.list,

  conversationsExtra.keep,
  conversationExtra.sync,
  search.searchAll,
  user.showQrcode,
  reminder.sync,
  reminder.finish,
  userAvatar.read,
  userAvatar.set,
  groupAvatar.read,
  groupAvatar.set,
  file.showUpload,
  file.upload,
  file.read,
  messageReaded.mark,
  messageExtra.sync,
  messagesReceipt.list,
]);
