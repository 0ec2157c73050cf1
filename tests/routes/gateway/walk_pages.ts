import type { GatewayAnswer } from "../../clients/gateway.ts";

const PAGE_COUNT_MAX = 20;

/** Every item of a list, fetched two at a time, each page behind the last item of the one before. */
export async function walkPages(
  fetchPage: (query: Record<string, string>) => Promise<GatewayAnswer>,
): Promise<{ uid?: string; sequenceId: string }[]> {
  const walked = [];
  let query: Record<string, string> = { count: "2" };
  for (let page = 0; page < PAGE_COUNT_MAX; page++) {
    const { list } = (await fetchPage(query)).result;
    if (list.length === 0) return walked;
    walked.push(...list);
    query = { count: "2", lastId: list.at(-1).sequenceId };
  }
  throw new Error(`still going on after ${PAGE_COUNT_MAX} pages`);
}
