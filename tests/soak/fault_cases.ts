import { type FaultPlace, type FaultRow, suffer } from "./fault_place.ts";
import { pause, RawConnection } from "./raw_connection.ts";
import { ServerProcess } from "./server_process.ts";

/** How much of everything. */
export interface FaultSizes {
  /** What a server may have open that is given more connections than that; absent: there is none. */
  descriptorsMax?: number;
  /** Bodies of 1 MiB that are nothing but names. */
  bodyCount: number;
  uploadCount: number;
  slowCount: number;
  slowMs: number;
  socketCount: number;
  outageMs: number;
}

/** Handshakes and the like under way at once. */
const CONCURRENCY = 50;
/** Beyond what the server may have open. */
const HALF_OPEN_MORE = 50;
const HALF_OPEN_MS = 3_000;

/** Every fault there is, one after the other. */
export async function* faultCases(place: FaultPlace, sizes: FaultSizes): AsyncGenerator<FaultRow> {
  if (sizes.descriptorsMax) yield await sufferHalfOpen(place, sizes.descriptorsMax);
  yield await suffer("bodies of names", place, () => sendNames(place, sizes));
  yield await suffer("dropped uploads", place, () => dropUploads(place, sizes));
  yield await suffer("slow heads and bodies", place, () => dripSlowly(place, sizes));
  yield await suffer("anonymous sockets", place, () => openSockets(place, sizes));
  yield await suffer("sockets of one address", place, () => openSocketsOfOne(place));
  const { redis, postgres } = place;
  const stay = async () => {
    await pause(sizes.outageMs);
    return `${sizes.outageMs} ms`;
  };
  yield await suffer("Redis killed", place, async () => {
    await redis.stop();
    const done = await stay();
    await redis.restart();
    return done;
  });
  yield await suffer("Redis frozen", place, async () => {
    redis.pause();
    const done = await stay();
    redis.resume();
    return done;
  });
  yield await suffer("PostgreSQL killed", place, async () => {
    await postgres.stop("immediate");
    const done = await stay();
    await postgres.start();
    return done;
  });
  yield await suffer("PostgreSQL frozen", place, async () => {
    await postgres.pause();
    const done = await stay();
    await postgres.resume();
    return done;
  });
}

/** A server of its own that may have few connections open, and more of them than that. */
async function sufferHalfOpen(place: FaultPlace, descriptorsMax: number): Promise<FaultRow> {
  await using server = await ServerProcess.start(place.stores, { descriptorsMax });
  return await suffer("half-open connections", { ...place, server }, async () => {
    const count = descriptorsMax + HALF_OPEN_MORE;
    // Those the server cannot take on it may refuse.
    const tried = await many(count, () => RawConnection.open(server.port).catch(() => undefined));
    const open = tried.filter((connection) => connection !== undefined);
    await all(open, (connection) => connection.say("GET /healthz HTTP/1.1\r\nHost: a"));
    await pause(HALF_OPEN_MS);
    close(open);
    return `${open.length} of ${count}, ${descriptorsMax} descriptors`;
  });
}

/** Names, as many as there is room for, one after the other. */
async function sendNames(
  { server, findings }: FaultPlace,
  { bodyCount }: FaultSizes,
): Promise<string> {
  const names = Array.from({ length: 95_000 }, (_, at) => `n${at}`);
  const bodies = [
    ["application/x-www-form-urlencoded", names.map((name) => `${name}=1`).join("&")],
    ["application/json", JSON.stringify(Object.fromEntries(names.map((name) => [name, 1])))],
  ] as const;
  let slowestMs = 0;
  for (let at = 0; at < bodyCount; at++) {
    const [type, body] = bodies[at % bodies.length]!;
    using connection = await RawConnection.open(server.port);
    const startedAt = performance.now();
    await connection.say(
      `POST /account/captcha HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const status = await connection.answered();
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    if (status !== 400) findings.add(`a body of names was answered ${status}`);
  }
  return `${bodyCount}, slowest ${Math.round(slowestMs)} ms`;
}

/** Operators send files now and then, and nobody counts how often. */
const OPERATORS_EVERY = 20;

/** Phones that go away in the middle of what they send. */
async function dropUploads(
  { server, operatorToken }: FaultPlace,
  { uploadCount }: FaultSizes,
): Promise<string> {
  const heads = [
    "POST /user/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n",
    "POST /account/captcha HTTP/1.1\r\nHost: a\r\n" +
    "Content-Type: application/x-www-form-urlencoded\r\n",
    `POST /v1/profits/cny_records/feedback HTTP/1.1\r\nHost: a\r\n` +
    `Authorization: Bearer ${operatorToken}\r\nContent-Type: multipart/form-data; boundary=x\r\n`,
  ];
  const part = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n';
  await many(uploadCount, async (at) => {
    using connection = await RawConnection.open(server.port);
    const kind = at % OPERATORS_EVERY === 0 ? 2 : at % 2;
    const body = kind === 2 ? part : '{"a":"';
    await connection.say(`${heads[kind]}Content-Length: 100000\r\n\r\n${body}`);
    await connection.say("a".repeat(at % 2 * 50_000));
    await pause(at % 7 * 10);
  });
  return `${uploadCount}`;
}

/** A byte every half second, in heads and in bodies: a body has a deadline. */
async function dripSlowly(
  { server, findings }: FaultPlace,
  { slowCount, slowMs }: FaultSizes,
): Promise<string> {
  const open = await many(slowCount, () => RawConnection.open(server.port));
  const isBody = (at: number) => at % 2 === 1;
  await all(open, (connection, at) =>
    connection.say(
      isBody(at)
        ? "POST /user/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" +
          "Content-Length: 1000\r\n\r\n{"
        : "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    ));
  for (let waitedMs = 0; waitedMs < slowMs; waitedMs += 500) {
    await all(open, (connection) => connection.say(" "));
    await pause(500);
  }
  const bodies = open.filter((_, at) => isBody(at));
  const late = bodies.filter(({ status }) => status === 408).length;
  const others = bodies.filter(({ status }) => status !== undefined && status !== 408).length;
  if (others > 0) findings.add(`slow bodies: ${others} were answered something else than 408`);
  if (slowMs > BODY_DEADLINE_MS && late < bodies.length) {
    findings.add(
      `slow bodies: ${bodies.length - late} of ${bodies.length} live after ${slowMs} ms`,
    );
  }
  close(open);
  return `${slowCount} for ${slowMs} ms, ${late} told 408`;
}

/** When a body must have come, and a busy machine's grace, ms. */
const BODY_DEADLINE_MS = 18_000;

const HANDSHAKE = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/** Each from a network of its own. */
async function openSockets(
  { server, findings }: FaultPlace,
  { socketCount }: FaultSizes,
): Promise<string> {
  const open = await shakeHands(
    server,
    socketCount,
    (at) => `10.${at >> 16}.${at >> 8 & 255}.${at & 255}`,
  );
  const taken = open.filter(({ status }) => status === 101).length;
  if (taken < socketCount) findings.add(`anonymous sockets: ${taken} of ${socketCount} were taken`);
  close(open);
  return `${socketCount}, ${taken} taken`;
}

/** How many of one address may be silent, and how many try. */
const OF_ONE_MAX = 16;
const OF_ONE_COUNT = 100;

async function openSocketsOfOne({ server, findings }: FaultPlace): Promise<string> {
  const open = await shakeHands(server, OF_ONE_COUNT, () => "192.0.2.7");
  const count = (status: number) => open.filter((it) => it.status === status).length;
  if (count(101) !== OF_ONE_MAX) findings.add(`of one address ${count(101)} were taken`);
  if (count(101) + count(429) !== OF_ONE_COUNT) findings.add("some were not told 429");
  close(open);
  return `${OF_ONE_COUNT}, ${count(101)} taken`;
}

async function shakeHands(
  { port }: ServerProcess,
  count: number,
  addressOf: (at: number) => string,
): Promise<RawConnection[]> {
  return await many(count, async (at) => {
    const connection = await RawConnection.open(port);
    await connection.say(`${HANDSHAKE}X-Forwarded-For: ${addressOf(at)}\r\n\r\n`);
    await connection.answered();
    return connection;
  });
}

/** A few at a time, so that whatever waits is the server's doing. */
async function many<T>(count: number, make: (at: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let from = 0; from < count; from += CONCURRENCY) {
    const length = Math.min(CONCURRENCY, count - from);
    made.push(...await Promise.all(Array.from({ length }, (_, at) => make(from + at))));
  }
  return made;
}

async function all<T>(items: T[], work: (item: T, at: number) => Promise<unknown>): Promise<void> {
  await Promise.all(items.map(work));
}

function close(open: RawConnection[]): void {
  for (const connection of open) connection[Symbol.dispose]();
}
