import type { Config } from "../config/config.ts";
import { isDatabaseAway, isSchemaBehind } from "../db/client/errors.ts";
import { awayTextOf } from "../db/client/readiness.ts";
import type { Deps } from "./deps.ts";

interface Address {
  hostname: string;
  port: number;
}

/** What somebody who has just started Plaza wants to know, with commands to paste. */
export function announce({ config, database, redis }: Deps, address: Address): string {
  const url = urlOf(address);
  const lines = [
    `Plaza listens on ${hostOf(address)}: ${url} (${database.kind}, redis ${redis.kind})`,
    `  API reference  ${url}/docs`,
    `  Health         ${url}/healthz`,
  ];
  if (config.tcp) lines.push(`  Chat over TCP  ${hostOf({ ...address, port: config.tcp.port })}`);
  if (!config.databaseUrl) {
    lines.push(`  Data           ${config.dataDir}`);
    lines.push(`  Credentials    ${config.dataDir}/credentials.json`);
  }
  lines.push(...doorsOf(config));
  if (config.devDoors) lines.push("Try:", ...commandsToPaste(url, config.gatewayDefaultSecret));
  return lines.join("\n");
}

function hostOf({ hostname, port }: Address): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Where a browser on this machine finds it. */
function urlOf({ hostname, port }: Address): string {
  const isHere = ["0.0.0.0", "::", "127.0.0.1"].includes(hostname);
  return `http://${isHere ? `localhost:${port}` : hostOf({ hostname, port })}`;
}

/** Which doors of development are open, and to whom. */
function doorsOf({ env, devDoors, databaseUrl, aliyunSms, wechat, mixin, ...config }: Config) {
  if (!devDoors) {
    return env === "production" ? [] : ["  Doors          shut (DEV_DOORS=1 opens them)"];
  }
  const doors = [
    aliyunSms ? "/dev/outbox" : "/dev/outbox with everybody's login codes",
    ...wechat ? [] : ["WeChat's stand-in"],
    ...mixin ? [] : ["operators' dev: codes"],
    ...config.rechargeChannel === "development" ? ["recharges credited at once"] : [],
  ];
  const whom = ["this machine", ...devDoors.from].join(", ");
  const line = `Doors of development (DEV_DOORS) are open to ${whom}: ${doors.join(", ")}`;
  if (databaseUrl === undefined) return [line];
  return [
    "!".repeat(line.length),
    line,
    "The database is a real one: nobody's data may be in it. DEV_DOORS=0 shuts them.",
    "!".repeat(line.length),
  ];
}

/**
 * Says in production which countries get codes when nobody has said so. Whoever lives elsewhere
 * cannot log in by one.
 */
export async function announceCountries({ config, database, log }: Deps): Promise<void> {
  if (config.env !== "production" || config.smsCountries !== undefined) return;
  const { COUNTRIES_BY_DEFAULT } = await import("../db/domain/captchas/rules.ts");
  const { countAbroad } = await import("../db/domain/users/count_abroad.ts");
  const countries = COUNTRIES_BY_DEFAULT.join(", ");
  const abroad = await countAbroad(database, COUNTRIES_BY_DEFAULT).catch(() => undefined);
  log({
    level: "notice",
    msg: `SMS_COUNTRIES is not set: codes are sent to ${countries} alone`,
    accounts_of_other_countries: abroad,
  });
}

/** Health; a signed call for a login code; the code that "arrived". */
function commandsToPaste(url: string, secret: string): string[] {
  const signed = `countryCode=86$$$mobile=13800138000$$$ts=%s$$$accessSecret=${secret}`;
  return [
    `curl -s ${url}/healthz`,
    `ts=$(date +%s)000; sign=$(printf '${signed}' $ts | (md5sum 2>/dev/null || md5) | cut -c1-32); ` +
    `curl -s ${url}/account/captcha -d countryCode=86 -d mobile=13800138000 -d ts=$ts -d sign=$sign`,
    `curl -s '${url}/dev/outbox?to=8613800138000'`,
  ];
}

const PLAIN_ERRORS = ["DataDirInUseError", "DataDirError", "ListenError", "UsageError"];

/** Why Plaza did not start, in words for whoever has to mend it. */
export function explainStartFailure(
  error: unknown,
  { databaseUrl }: { databaseUrl?: string | undefined } = {},
): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "ConfigError") {
    return `Plaza cannot start with this configuration: ${error.message}`;
  }
  if (PLAIN_ERRORS.includes(error.name)) return error.message;
  if (isSchemaBehind(error)) return "migrations pending: run deno task migrate";
  if (isDatabaseAway(error)) return `database away: ${awayTextOf(error, databaseUrl)}`;
  return error.stack ?? error.message;
}
