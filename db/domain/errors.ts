/**
 * Every failure a caller may expect, named once. A kind belongs to one of eight families and has
 * a public text; each surface turns families (and the kinds its contract gives a code) into its
 * own wire form in `routes/<surface>/errors.ts`.
 */
export const families = [
  "invalid",
  "unauthenticated",
  "forbidden",
  "not_found",
  "conflict",
  "limited",
  "unavailable",
  "internal",
] as const;
export type Family = (typeof families)[number];

const catalogue = {
  // The request itself, before any rule of ours is asked.
  request_malformed: ["invalid", "请求格式不正确"],
  request_too_large: ["invalid", "请求内容过大"],
  request_timeout: ["invalid", "请求内容迟迟没有传完"],
  params_invalid: ["invalid", "请求参数不正确"],
  path_unknown: ["not_found", "找不到"],
  method_not_allowed: ["invalid", "请求方法不对"],
  rate_exceeded: ["limited", "请求过于频繁，请稍后再试"],
  service_unavailable: ["unavailable", "服务暂不可用，请稍后再试"],
  unexpected: ["internal", "服务器内部错误"],

  // Credentials and signed calls.
  signature_missing: ["invalid", "缺少 ts 或 sign"],
  signature_stale: ["invalid", "ts 已过期，请校准时间"],
  signature_ambiguous: ["invalid", "参数名或参数值不能参与签名"],
  signature_wrong: ["unauthenticated", "签名不正确"],
  session_invalid: ["unauthenticated", "未登录或者登录已过期"],
  call_repeated: ["conflict", "短时间内重复调用"],

  // Accounts and captchas.
  mobile_invalid: ["invalid", "手机号不正确"],
  captcha_wrong: ["invalid", "验证码错误或已失效"],
  captcha_too_soon: ["limited", "验证码发送过于频繁，请稍后再试"],
  captcha_spent: ["limited", "今日验证码发送次数过多，请稍后再试"],
  captcha_unavailable: ["unavailable", "短信服务繁忙，请稍后再试"],
  country_not_served: ["invalid", "暂不支持该国家或地区的手机号"],
  tries_spent: ["limited", "错误次数过多，请稍后再试"],
  sms_failed: ["unavailable", "短信发送失败，请稍后再试"],
  account_missing: ["not_found", "账号不存在"],
  account_exists: ["conflict", "账号已存在"],
  account_frozen: ["forbidden", "账号已被冻结"],

  profile_missing: ["forbidden", "用户资料未初始化"],
  profile_exists: ["conflict", "用户资料已初始化"],
  user_missing: ["not_found", "用户不存在"],
  notification_missing: ["not_found", "消息不存在"],
  self_refused: ["invalid", "不能对自己进行此操作"],

  club_missing: ["not_found", "圈子不存在"],
  club_owner_stays: ["conflict", "圈主不能退出圈子"],

  room_missing: ["not_found", "活动不存在"],
  room_refused: ["forbidden", "无法加入此活动(有主持人拉黑了你)"],

  event_missing: ["not_found", "日程不存在"],
  event_members_invalid: ["invalid", "日程成员不正确"],
  event_not_yours: ["forbidden", "只有日程成员可以进行此操作"],
  event_started: ["conflict", "日程已开始"],
  event_not_due: ["conflict", "不在日程开始时间内"],
  event_over: ["conflict", "日程已结束"],
  event_own: ["conflict", "日程成员无需预约"],

  // Chat accounts.
  login_wrong: ["invalid", "用户名或密码错误"],
  username_taken: ["conflict", "用户名已被使用"],
  password_invalid: ["invalid", "密码不能少于6位"],
  device_check_needed: ["forbidden", "需要验证手机号"],
  device_missing: ["invalid", "缺少设备信息"],
  registration_closed: ["forbidden", "暂未开放注册"],
  short_no_invalid: ["invalid", "编号不正确"],
  short_no_taken: ["conflict", "编号已被使用"],
  short_no_changed: ["conflict", "编号只能修改一次"],
  auth_code_invalid: ["invalid", "授权码无效或已过期"],

  friend_already: ["conflict", "已经是好友"],
  friend_apply_invalid: ["invalid", "好友申请无效或已过期"],
  friend_missing: ["not_found", "不是好友"],
  label_missing: ["not_found", "标签不存在"],
  label_taken: ["conflict", "标签名已存在"],
  favorite_missing: ["not_found", "收藏不存在"],

  group_missing: ["not_found", "群不存在"],
  group_no_right: ["forbidden", "没有权限"],
  group_members_invalid: ["invalid", "群成员不正确"],
  group_too_many: ["limited", "今天创建的群太多了"],
  group_invite_missing: ["not_found", "邀请不存在或已处理"],
  qrcode_invalid: ["invalid", "二维码无效或已过期"],

  message_invalid: ["invalid", "消息内容不正确"],
  message_blacklisted: ["forbidden", "对方已将你加入黑名单"],
  message_missing: ["not_found", "消息不存在"],
  message_irrevocable: ["forbidden", "这类消息不能撤回"],
  channel_missing: ["not_found", "频道不存在"],
  group_not_member: ["forbidden", "你不在该群"],
  group_forbidden: ["forbidden", "全员禁言中"],
  group_muted: ["forbidden", "你已被禁言"],
  group_blacklisted: ["forbidden", "你已被加入群黑名单"],
  group_disbanded: ["conflict", "群已解散"],

  // Money.
  amount_invalid: ["invalid", "金额不正确"],
  balance_insufficient: ["conflict", "余额不足"],
  wallet_unusable: ["forbidden", "钱包不可用"],
  operation_conflict: ["conflict", "同一凭证已用于另一笔操作"],
  phone_missing: ["conflict", "没有绑定手机号"],
  pay_password_invalid: ["invalid", "支付密码必须是6位数字"],
  pay_password_unset: ["conflict", "请先设置支付密码"],
  pay_password_wrong: ["invalid", "支付密码错误"],
  pay_password_locked: ["limited", "支付密码错误次数过多，请3小时后再试"],
  pay_token_invalid: ["invalid", "支付凭证无效或已过期"],
  real_name_missing: ["conflict", "请先实名认证"],
  bank_card_invalid: ["invalid", "银行卡号不正确"],
  bank_card_taken: ["conflict", "银行卡已绑定"],
  bank_card_missing: ["not_found", "银行卡不存在"],
  payment_method_missing: ["not_found", "收付款方式不存在"],
  bank_card_holder: ["invalid", "持卡人必须与实名信息一致"],
  recharge_missing: ["not_found", "充值记录不存在"],
  withdrawal_missing: ["not_found", "提现记录不存在"],
  withdrawal_decided: ["conflict", "提现已处理"],
  withdrawal_limit: ["invalid", "提现金额不在限额内"],
  redpacket_missing: ["not_found", "红包不存在"],
  redpacket_invalid: ["invalid", "红包金额或个数不正确"],
  redpacket_unpaid: ["conflict", "红包未支付"],
  redpacket_paid: ["conflict", "红包已支付"],
  redpacket_expired: ["conflict", "红包已过期"],
  redpacket_empty: ["conflict", "红包已被领完"],
  redpacket_opened: ["conflict", "已经领取过此红包"],
  redpacket_refused: ["forbidden", "不能领取此红包"],
  transfer_missing: ["not_found", "转账不存在"],
  transfer_settled: ["conflict", "转账已处理"],
  transfer_expired: ["conflict", "转账已过期"],

  // Operators.
  operator_no_right: ["forbidden", "没有操作权限"],
  operator_unknown: ["forbidden", "没有访问权限"],
  operator_missing: ["not_found", "操作员不存在"],
  operator_disabled: ["conflict", "操作员已停用"],
  operator_last_admin: ["conflict", "至少要保留一名管理员"],
  operator_mixin_taken: ["conflict", "该 Mixin 用户已是其他操作员"],
  ops_key_missing: ["not_found", "密钥不存在"],
  mixin_failed: ["unavailable", "Mixin 服务暂不可用"],
  group_stopped: ["conflict", "群已关闭"],
  broadcast_missing: ["not_found", "群发不存在"],
  profit_missing: ["not_found", "流水号不存在"],
  profit_claimed: ["conflict", "已发放，不能再改"],
  job_missing: ["not_found", "任务不存在"],
  dead_letter_missing: ["not_found", "待办不存在"],

  // Partners.
  app_missing: ["not_found", "应用不存在"],
  store_missing: ["not_found", "咨询台不存在"],
  seller_missing: ["not_found", "没有可用的客服"],
  customer_missing: ["not_found", "顾客不存在"],
  customer_proof_needed: ["forbidden", "该客户已存在，需要签名、旧凭证或服务端凭证"],
  customer_sign_unready: ["conflict", "应用密钥需先轮换一次，才能使用签名"],

  // The app itself.
  release_missing: ["not_found", "已是最新版本"],
  link_refused: ["invalid", "链接不可访问"],
  wechat_login_needed: ["unauthenticated", "需要微信登录"],
  wechat_failed: ["unavailable", "微信服务暂不可用"],
} as const satisfies Record<string, readonly [Family, string]>;

export type Kind = keyof typeof catalogue;
export const kinds = Object.keys(catalogue) as Kind[];

export function familyOf(kind: Kind): Family {
  return catalogue[kind][0];
}

export function publicTextOf(kind: Kind): string {
  return catalogue[kind][1];
}

export interface DomainErrorOptions {
  message?: string;
  /** The message for surfaces that also speak English; absent: what they say of the kind. */
  english?: string | undefined;
  /** What really happened; logged, never sent. */
  cause?: unknown;
  retryAfterSeconds?: number;
  /** What somebody has to be woken for; logged as such, never sent. */
  alarm?: string | undefined;
  /** What the caller needs to go on, besides code and text; sent by surfaces that have a place. */
  fields?: Record<string, unknown>;
}

/** An expected failure. Its `message` is safe to send; `cause` is for the log alone. */
export class DomainError extends Error {
  readonly kind: Kind;
  readonly family: Family;
  readonly english: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly alarm: string | undefined;
  readonly fields: Record<string, unknown>;

  constructor(kind: Kind, options: DomainErrorOptions = {}) {
    super(options.message ?? publicTextOf(kind), { cause: options.cause });
    this.name = "DomainError";
    this.kind = kind;
    this.family = familyOf(kind);
    this.english = options.english;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.alarm = options.alarm;
    this.fields = options.fields ?? {};
  }
}
