import { bigint, timestamp } from "drizzle-orm/pg-core";

/** A point in time, kept to the millisecond because contracts send milliseconds. */
export const instant = () => timestamp({ withTimezone: true, precision: 3, mode: "date" });

/** A 64-bit number below 2^53, safe as a JSON number. */
export const safeBigint = () => bigint({ mode: "number" });

/** Rows of the house; partner apps have numbers of their own. */
export const HOUSE_APP_ID = 0;
