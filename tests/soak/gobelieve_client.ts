import type { LongInteger } from "../../config/runtime/long_integer.ts";
import { type Client, type ClientSetting, WEB } from "./client.ts";
import type { Answer } from "./client_codecs.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { type Directory, GobelieveClientCodec } from "./gobelieve_codec.ts";
import { GobelieveStream } from "./gobelieve_stream.ts";
import type { Ledger, Sent } from "./ledger.ts";

/** How long pulling what was missed may take, ms. */
const CATCH_UP_TIMEOUT_MS = 15_000;

/** A partner's client: it pulls what it missed over the socket itself, and so whatever did not follow. */
export class GobelieveClient implements Client {
  readonly inbox: GobelieveStream;
  readonly watches = [];
  readonly #setting: ClientSetting;
  readonly #directory: Directory;

  constructor(setting: ClientSetting) {
    const { name, number, plan, ledger, findings } = setting;
    this.#setting = setting;
    this.#directory = directoryOf(ledger);
    this.inbox = new GobelieveStream({
      owner: name,
      findings,
      superGroupIds: ledger.superGroupIdsOf(plan.person),
      isOwn: (clientMsgNo) => ledger.sentAs(clientMsgNo)?.device === number,
    });
  }

  async open(server: number): Promise<Connection | undefined> {
    this.inbox.cut();
    const { deviceFlag } = this.#setting.plan;
    const connection = await Connection.open(this.#optionsOf(server, deviceFlag, this.inbox));
    if (!connection) return undefined;
    const timer = setTimeout(() => connection.abandon(), CATCH_UP_TIMEOUT_MS);
    await connection.caughtUp;
    clearTimeout(timer);
    return connection.isClosed ? undefined : connection;
  }

  openAside(server: number): Promise<Connection | undefined> {
    return Connection.open(this.#optionsOf(server, WEB));
  }

  learn(sent: Sent, { messageId, seq }: Answer): void {
    const { ledger, plan } = this.#setting;
    this.inbox.answered({ ...ledger.asSeenBy(plan.person, sent, messageId), seq });
  }

  #optionsOf(server: number, deviceFlag: number, stream?: GobelieveStream): ConnectionOptions {
    const { plan, number, servers, ledger } = this.#setting;
    const { id, uid, partnerToken } = ledger.cast.people[plan.person]!;
    return {
      port: servers[server]!.port,
      codec: new GobelieveClientCodec({
        id,
        // The server knows a repeat by the device.
        deviceId: `device ${number}`,
        directory: this.#directory,
        stream,
        confirms: plan.confirms,
      }),
      login: { uid, token: partnerToken, deviceFlag },
      isCuttable: plan.isCuttable,
      isInLine: this.#setting.perSecond !== undefined,
      onPush() {},
    };
  }
}

function directoryOf({ cast: { people, groups } }: Ledger): Directory {
  const uids = new Map<LongInteger, string>(people.map(({ id, uid }) => [id, uid]));
  const ids = new Map(people.map(({ id, uid }) => [uid, id]));
  const groupNos = new Map<LongInteger, string>(groups.map(({ id, groupNo }) => [id, groupNo]));
  const groupIds = new Map(groups.map(({ id, groupNo }) => [groupNo, id]));
  return {
    uidOf: (id) => uids.get(id)!,
    idOf: (uid) => ids.get(uid)!,
    groupNoOf: (id) => groupNos.get(id)!,
    groupIdOf: (groupNo) => groupIds.get(groupNo)!,
  };
}
