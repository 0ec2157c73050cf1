export interface SmsCode {
  /** Country code and national number, digits only: `8613800138000`. */
  to: string;
  code: string;
}

export interface Sms {
  /**
   * Hands the message over to the carrier; resolves when it was accepted.
   * @throws when it was refused or did not answer in time
   */
  sendCode(message: SmsCode): Promise<void>;
}
