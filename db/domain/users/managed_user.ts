import type { InferSelectModel } from "drizzle-orm";
import { users, type UserStatus } from "../../schema/users.ts";
import type { Mobile } from "../captchas/rules.ts";
import { usernameOf } from "./rules.ts";

export type Status = (typeof UserStatus)[keyof typeof UserStatus];

export interface ManagedUser {
  id: number;
  uid: string;
  name: string;
  /** Null: nobody knows one. */
  mobile: Mobile | null;
  /** Of who is deleted: the number that was theirs, and may be another's by now. */
  freedMobile: Mobile | null;
  status: Status;
  exchanger: boolean;
  parentId: number | null;
  createdAt: Date;
  updatedAt: Date;
  lastLoginAt: Date | null;
  deletedAt: Date | null;
}

export const userColumns = {
  id: users.id,
  uid: users.uid,
  nickname: users.nickname,
  countryCode: users.countryCode,
  mobile: users.mobile,
  freedCountryCode: users.freedCountryCode,
  freedNumber: users.freedMobile,
  status: users.status,
  exchanger: users.exchanger,
  parentId: users.parentId,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
  lastLoginAt: users.lastLoginAt,
  deletedAt: users.deletedAt,
};
type UserRow =
  & Pick<InferSelectModel<typeof users>, Exclude<keyof typeof userColumns, "freedNumber">>
  & { freedNumber: string | null };

export function managedUser(row: UserRow): ManagedUser {
  const { nickname: name, countryCode, mobile, freedCountryCode, freedNumber, status, ...rest } =
    row;
  return {
    ...rest,
    name,
    mobile: mobileOf(countryCode, mobile),
    freedMobile: mobileOf(freedCountryCode, freedNumber),
    status: status as Status,
  };
}

function mobileOf(countryCode: string | null, number: string | null): Mobile | null {
  return countryCode === null || number === null ? null : { countryCode, number };
}

export function loginNameOf({ uid, mobile }: Pick<ManagedUser, "uid" | "mobile">): string {
  return mobile ? usernameOf(mobile) : uid;
}
