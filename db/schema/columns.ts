import { bigint, timestamp } from "drizzle-orm/pg-core";

/** A point in time, kept to the millisecond because contracts send milliseconds. */
export const instant = () => timestamp({ withTimezone: true, precision: 3, mode: "date" });

export const safeBigint = () => bigint({ mode: "number" });

/** Rows of the house; partner apps have numbers of their own. */
export const HOUSE_APP_ID = 0;
