/** One request among those a load is made of. */
export interface LoadRequest {
  /** GET unless told. */
  method?: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** `wrk`, which loads a server from one thread and costs little of the machine itself. */
export interface Load extends AsyncDisposable {
  /** Asks for the requests in turn over `connectionCount` connections; answers a second. */
  rateOf(url: string, seconds: number): Promise<number>;
  /** The same; the median of what an answer took, ms. */
  medianMs(url: string, seconds: number): Promise<number>;
}

const UNITS_MS: Record<string, number> = { us: 0.001, ms: 1, s: 1_000 };

/** Of a request a line, by tabs: method, path, body, headers. `wrk` reads them where it starts. */
const SCRIPT = `
local asked, at = {}, 0
-- Only here the host is known.
init = function()
  for line in io.lines(os.getenv("PLAZA_REQUESTS")) do
    local parts = {}
    for part in line:gmatch("([^\\t]*)\\t") do parts[#parts + 1] = part end
    local headers = {}
    for i = 4, #parts, 2 do headers[parts[i]] = parts[i + 1] end
    local body = parts[3] ~= "" and parts[3] or nil
    asked[#asked + 1] = wrk.format(parts[1], parts[2], headers, body)
  end
end
request = function()
  at = at % #asked + 1
  return asked[at]
end`;

/** @returns undefined, after saying so, where there is no `wrk` */
export async function openLoad(
  requests: LoadRequest[],
  { connectionCount }: { connectionCount: number },
): Promise<Load | undefined> {
  const isThere = await new Deno.Command("wrk", { args: ["-v"], stdout: "null", stderr: "null" })
    .output().then(() => true, () => false);
  if (!isThere) {
    console.error("servers are loaded with wrk here: apt-get install wrk");
    return undefined;
  }
  const folder = await Deno.makeTempDir({ prefix: "plaza_load_" });
  const lines = requests.map(({ method = "GET", path, headers, body = "" }) =>
    [method, path, body, ...Object.entries(headers).flat()].map((part) => `${part}\t`).join("")
  );
  await Deno.writeTextFile(`${folder}/requests`, lines.join("\n"));
  await Deno.writeTextFile(`${folder}/load.lua`, SCRIPT);
  const run = async (url: string, seconds: number, pattern: RegExp): Promise<string[]> => {
    const { stdout } = await new Deno.Command("wrk", {
      args: [
        ...["--latency", "-t1", `-c${connectionCount}`, `-d${seconds}s`],
        ...["-s", `${folder}/load.lua`, url],
      ],
      env: { PLAZA_REQUESTS: `${folder}/requests` },
    }).output();
    const said = new TextDecoder().decode(stdout);
    const found = pattern.exec(said);
    if (!found || /Non-2xx|Socket errors/.test(said)) throw new Error(said);
    return found.slice(1);
  };
  return {
    async rateOf(url, seconds) {
      return Number((await run(url, seconds, /Requests\/sec:\s+([\d.]+)/))[0]);
    },
    async medianMs(url, seconds) {
      const [count, unit] = await run(url, seconds, /50%\s+([\d.]+)([a-z]+)/);
      return Number(count) * UNITS_MS[unit!]!;
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
