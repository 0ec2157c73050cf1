import type { z } from "zod";

/** What people call a parameter; of any other they read 参数. */
const NOUNS: Record<string, string> = {
  amount: "金额",
  auth_code: "授权码",
  badge: "角标",
  bankcard: "银行卡号",
  bankcode: "银行",
  bankname: "银行",
  blessing: "祝福语",
  cert_no: "证件号码",
  channel_id: "会话",
  channel_type: "会话类型",
  chat_pwd: "聊天密码",
  code: "验证码",
  device_id: "设备",
  device_name: "设备名称",
  device_model: "设备型号",
  device_token: "设备",
  holder_name: "持卡人姓名",
  id: "编号",
  keyword: "关键字",
  login_pwd: "登录密码",
  member_uids: "成员",
  members: "成员",
  message_id: "消息",
  msg_expire_second: "消息有效期",
  name: "名称",
  notice: "公告",
  num: "红包个数",
  password: "密码",
  pay_token: "支付凭证",
  payload: "消息内容",
  phone: "手机号",
  remark: "备注",
  scene_id: "红包的发送对象",
  sex: "性别",
  short_no: "短号",
  to_uid: "对方",
  token: "凭证",
  uid: "用户",
  uids: "成员",
  username: "用户名",
  year: "年份",
};

/** Why the validator refuses something, as the end of a sentence; what a schema says itself stands. */
export function reasonOf({ code, input, ...issue }: z.core.$ZodRawIssue): string {
  if (input === undefined || input === null || input === "") return "不能为空";
  switch (code) {
    case "too_small":
      if (issue.origin === "string" && issue.minimum === 1) return "不能为空";
      return `不能少于${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `不能超过${issue.maximum}${unitOf(issue.origin)}`;
    case "unrecognized_keys":
      return "不支持";
    default:
      return "不正确";
  }
}

function unitOf(origin: unknown): string {
  if (origin === "string") return "个字";
  return origin === "array" ? "个" : "";
}

/**
 * A refusal as people read it: a sentence without the names programs use. A reason that is one by
 * itself stands alone.
 */
export function refusalOf({ path, message }: z.core.$ZodIssue): string {
  if (!/^(不|必须)/.test(message)) return message;
  const name = path.findLast((part) => typeof part === "string");
  return (NOUNS[name ?? ""] ?? "参数") + message;
}
