import type { PartnerCall } from "../../clients/partner.ts";

/** A partner, or the house, with two people who talk in a group; a partner has a desk as well. */
export interface Tenant {
  tenantId: number;
  appId: number;
  basic: string;
  /** Numbers of its people; the first is the group's master, and `bearer` is their token. */
  master: number;
  member: number;
  bearer: string;
  groupId: number;
  store?: { storeId: number; customerId: string; customerUid: number };
  /** What only it may ever be told. */
  secrets: string[];
}

/** A call that names what is somebody else's. */
export interface Attempt extends Omit<PartnerCall, "basic" | "bearer"> {
  by: "server" | "client" | "nobody";
  /**
   * `refused`: it is not there, for the caller. `own`: numbers are a partner's to give, so it works,
   * with the caller's own people of these numbers, or shows what is the caller's own.
   */
  is: "refused" | "own";
}

export type Attempts = (self: Tenant, other: Tenant) => Attempt[];

/** An attempt at the other's group, as each of these. */
function atGroup(
  by: ("server" | "client")[],
  make: (other: Tenant) => Omit<PartnerCall, "params"> & { params?: Record<string, number> },
): Attempts {
  return (_, other) => {
    const { params, ...call } = make(other);
    return by.map((by) => ({
      ...call,
      by,
      is: "refused",
      params: { gid: other.groupId, ...params },
    }));
  };
}

const own = (by: Attempt["by"], make: (self: Tenant, other: Tenant) => PartnerCall): Attempts =>
(
  self,
  other,
) => [{ ...make(self, other), by, is: "own" }];

const atStore = (
  by: Attempt["by"],
  make: (store: NonNullable<Tenant["store"]>) => PartnerCall,
): Attempts =>
(_, { store }) => store ? [{ ...make(store), by, is: "refused" }] : [];

/** How an operation may be called with somebody else's ids: one row for each there is. */
export const attempts: Record<string, Attempts> = {
  "POST /auth/grant": own("server", (_, { master }) => ({ body: { uid: master } })),
  "POST /users/{uid}": own("server", (_, { master, member }) => ({
    params: { uid: master },
    body: { name: "Taken", mute: true, do_not_disturb: { peer_uid: member, on: true } },
  })),
  "POST /groups": own("server", (_, { master, member }) => ({
    body: { master, name: "Taken", members: [{ uid: member, name: "Taken" }] },
  })),
  "PATCH /groups/{gid}": atGroup(["server"], () => ({ body: { name: "Taken" } })),
  "DELETE /groups/{gid}": atGroup(["server"], () => ({})),
  "POST /groups/{gid}/members": (self, other) => [
    ...atGroup(["server"], ({ member }) => ({ body: { members: [{ uid: member }] } }))(self, other),
    {
      by: "server",
      is: "own",
      params: { gid: self.groupId },
      body: { members: [{ uid: other.member, name: "Taken" }], inviter: { uid: other.master } },
    },
  ],
  "DELETE /groups/{gid}/members/{mid}": atGroup(["server"], ({ member }) => ({
    params: { mid: member },
  })),
  "DELETE /groups/{gid}/members": atGroup(["server"], ({ member }) => ({ body: [member] })),
  "POST /groups/{gid}/upgrade": atGroup(["server"], () => ({})),
  "PATCH /groups/{gid}/members/{memberid}": atGroup(
    ["server"],
    ({ member }) => ({ params: { memberid: member }, body: { mute: true } }),
  ),
  "POST /messages/peers": own("server", (_, { master, member }) => ({
    body: { sender: member, receiver: master, content: "Taken" },
  })),
  "POST /messages/groups": atGroup(["server"], ({ master, groupId }) => ({
    body: { sender: master, receiver: groupId, content: "Taken" },
  })),
  "POST /messages/systems": own("server", (_, { master }) => ({
    body: { receiver: master, content: "Taken" },
  })),
  "POST /messages/notifications": own("server", (_, { master }) => ({
    body: { receiver: master, content: "Taken" },
  })),
  "POST /messages/groups/notifications": atGroup(["server"], ({ groupId }) => ({
    body: { group_id: groupId, content: "Taken" },
  })),
  "POST /messages/rooms": own("server", (_, { master }) => ({
    body: { sender: master, receiver: 1, content: "Taken" },
  })),
  // Before the caller has customers of these ids itself.
  "GET /messages/offline": (_, { store }) => {
    const { customerId = "nobody", customerUid = 4e15 } = store ?? {};
    const asked: Record<string, string>[] = [{ customer_id: customerId }, {
      uid: `${customerUid}`,
    }];
    return asked.map((query) => ({ by: "server", is: "refused", query }));
  },
  "POST /auth/customer": own("nobody", ({ appId }, { store }) => ({
    body: { appid: appId, customer_id: store?.customerId, name: "Taken" },
  })),
  "GET /supporters": atStore("client", ({ storeId }) => ({ query: { store_id: `${storeId}` } })),
  "GET /messages": (self, other) => [
    ...own("client", () => ({}))(self, other),
    ...atStore("client", ({ storeId }) => ({ query: { store: `${storeId}` } }))(self, other),
  ],
  "POST /client/groups": (self, other) =>
    (["server", "client"] as const).map((by) => ({
      by,
      is: "own",
      body: { master: self.master, name: "Taken", members: [{ uid: other.member }] },
    })),
  "GET /client/groups": own("client", () => ({ query: { fields: "members,quiet" } })),
  "GET /client/groups/{gid}/members": atGroup(["server", "client"], () => ({})),
  "PATCH /client/groups/{gid}": atGroup(["client"], () => ({ body: { name: "Taken" } })),
  "DELETE /client/groups/{gid}": atGroup(["client"], () => ({})),
  "POST /client/groups/{gid}/members": atGroup(["client"], ({ member }) => ({
    body: { members: [{ uid: member }] },
  })),
  "DELETE /client/groups/{gid}/members/{mid}": (self, other) =>
    atGroup(["client"], () => ({ params: { mid: self.master } }))(self, other),
  "DELETE /client/groups/{gid}/members": atGroup(["server", "client"], ({ member }) => ({
    body: [{ uid: member }],
  })),
  "PATCH /client/groups/{gid}/members/{memberid}": (self, other) =>
    [self.master, other.member].flatMap((memberid) =>
      atGroup(["server", "client"], () => ({ params: { memberid }, body: { nickname: "Taken" } }))(
        self,
        other,
      )
    ),
  "POST /auth/revoke": own("server", (_, { master }) => ({ body: { uid: master } })),
  "POST /stores": own("server", (_, { master }) => ({
    body: { name: "Taken", sellers: [{ uid: master, name: "Taken" }] },
  })),
  "GET /stores": own("server", () => ({})),
  "PUT /stores/{store_id}/sellers": atStore(
    "server",
    ({ storeId }) => ({ params: { store_id: storeId }, body: { sellers: [] } }),
  ),
};
