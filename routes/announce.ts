import type { Deps } from "./deps.ts";

/** What somebody who has just started Plaza wants to know, with commands to paste. */
export function announce({ config, database, redis }: Deps, port: number): string {
  const url = `http://localhost:${port}`;
  const lines = [
    `Plaza is at ${url} (${database.kind}, redis ${redis.kind})`,
    `  API reference  ${url}/docs`,
    `  Health         ${url}/healthz`,
  ];
  if (!config.databaseUrl) {
    lines.push(`  Data           ${config.dataDir}`);
    lines.push(`  Credentials    ${config.dataDir}/credentials.json`);
  }
  if (config.env !== "production") {
    lines.push("Try:", ...commandsToPaste(url, config.gatewayDefaultSecret));
  }
  return lines.join("\n");
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

/** Why Plaza did not start, in words for whoever has to mend it. */
export function explainStartFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  switch (error.name) {
    case "ConfigError":
      return `Plaza cannot start with this configuration: ${error.message}`;
    case "DataDirInUseError":
    case "UsageError":
      return error.message;
    case "AddrInUse":
      return "The port is taken by another program; set PORT to a free one.";
    default:
      return error.stack ?? error.message;
  }
}
