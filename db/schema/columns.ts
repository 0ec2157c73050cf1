import { bigint, customType, timestamp } from "drizzle-orm/pg-core";
import { type LongInteger, longIntegerOf } from "../../config/runtime/long_integer.ts";

/** A point in time, kept to the millisecond because contracts send milliseconds. */
export const instant = () => timestamp({ withTimezone: true, precision: 3, mode: "date" });

export const safeBigint = () => bigint({ mode: "number" });

/** A number that others have chosen, of which no digit may be lost. */
export const longInteger = customType<{ data: LongInteger; driverData: string }>({
  dataType: () => "bigint",
  fromDriver: (answered) => longIntegerOf(answered),
  toDriver: (value) => String(value),
});

/** Rows of the house; partner apps have numbers of their own. */
export const HOUSE_APP_ID = 0;
