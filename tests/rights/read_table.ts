import type { SurfaceName } from "../../routes/surfaces.ts";

/**
 * What the table says of one operation. The call is the one of the trips' table, and succeeds for
 * whoever makes it there: the owner of what it is about, if it is about something. The names are
 * those of the surface's callers.
 */
export interface Row {
  surface: SurfaceName;
  /** `POST /club/{clubId}/join` */
  operation: string;
  /** For whom the call succeeds besides; `everybody`: credentials are not looked at. */
  succeeds: string[];
  /**
   * How others are refused, where that is not how the surface refuses them anyway: `401`,
   * `200:600000`, or `nothing` for an answer that changes nothing and shows nothing of the owner's.
   */
  refused: Map<string, string>;
  /** Parts of the call that are a secret (`body.code`), and how a wrong one is refused. */
  proofs: Map<string, string>;
}

/** The rights of all surfaces, one operation a line. */
export function readTable(): Row[] {
  const text = Deno.readTextFileSync(new URL("./table.tsv", import.meta.url));
  return text.trimEnd().split("\n").slice(1).map((line) => {
    const [surface, method, path, succeeds, refused, proofs] = line.split("\t");
    return {
      surface: surface as SurfaceName,
      operation: `${method} ${path}`,
      succeeds: wordsOf(succeeds),
      refused: pairsOf(refused),
      proofs: pairsOf(proofs),
    };
  });
}

const wordsOf = (cell = "") => cell.split(" ").filter((word) => word !== "");

const pairsOf = (cell?: string) =>
  new Map(
    wordsOf(cell).map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    }),
  );
