import { and, eq, isNull, sql } from "drizzle-orm";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { groups } from "../../schema/groups.ts";

/** 1 running, 0 stopped. */
export type Status = 0 | 1;

/** A group as operators see it; never what its bot signs with. */
export interface ManagedGroup {
  id: number;
  name: string;
  status: Status;
  countryName: string | null;
  /** Its Mixin bot. */
  clientId: string | null;
  hasKeystore: boolean;
  /** Shares of the payments, decimal strings from 0 to 1. */
  ownerRate: string;
  inviterRate: string;
  createdAt: Date;
  updatedAt: Date;
}

export const groupColumns = {
  id: groups.id,
  name: groups.name,
  status: sql<Status>`${groups.status}`.as("status"),
  countryName: groups.countryName,
  clientId: groups.clientId,
  hasKeystore: sql<boolean>`${groups.keystoreSealed} is not null`.as("has_keystore"),
  ownerRate: groups.ownerRate,
  inviterRate: groups.inviterRate,
  createdAt: groups.createdAt,
  updatedAt: groups.updatedAt,
};

/** The house's groups that have not been disbanded: those operators know of. */
export const managed = and(eq(groups.appId, HOUSE_APP_ID), isNull(groups.disbandedAt))!;
