import { NodeFS } from "@electric-sql/pglite/nodefs";

type Init = NodeFS["init"];
type Pglite = Parameters<Init>[0];
type Options = Parameters<Init>[1];

/** What Emscripten's file system changes a file's attributes with, when asked and for new files. */
interface NodeFiles {
  doSetAttr(file: unknown, node: unknown, attributes: { mode?: number }, ...how: unknown[]): void;
}

const OTHERS = 0o077;

/**
 * The database's files, which are nobody's but their owner's. The embedded PostgreSQL sets the mode
 * of each file it makes by itself, for all to read and write, whatever the process's umask says.
 */
export class OwnersFolder extends NodeFS {
  override async init(pglite: Pglite, given: Options): ReturnType<Init> {
    const { emscriptenOpts } = await super.init(pglite, given);
    const preRun = [closeFiles, ...emscriptenOpts.preRun ?? []] as NonNullable<Options["preRun"]>;
    return { emscriptenOpts: { ...emscriptenOpts, preRun } };
  }
}

function closeFiles({ NODEFS }: { NODEFS: NodeFiles }): void {
  const setAttributes = NODEFS.doSetAttr;
  NODEFS.doSetAttr = (file, node, { mode, ...others }, ...how) => {
    const closed = mode === undefined ? others : { ...others, mode: mode & ~OTHERS };
    setAttributes.call(NODEFS, file, node, closed, ...how);
  };
}
