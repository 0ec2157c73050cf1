import assert from "node:assert/strict";
import { DataDirError, keepKeys, keepToOwner, lockDataDir } from "../../config/data_dir.ts";

const modeOf = (path: string) => Deno.lstatSync(path).mode! & 0o777;

Deno.test("a folder is its owner's alone when it is made", async () => {
  const dataDir = `${await Deno.makeTempDir()}/new/data`;
  await lockDataDir(dataDir);
  keepKeys(dataDir);
  assert.deepEqual([modeOf(dataDir), modeOf(`${dataDir}/..`)], [0o700, 0o700]);
  assert.equal(modeOf(`${dataDir}/keys.json`), 0o600);
});

Deno.test("a folder of before is taken from group and others, with all that is inside", async () => {
  const dataDir = await Deno.makeTempDir();
  const elsewhere = await Deno.makeTempFile();
  await Deno.chmod(elsewhere, 0o644);
  await Deno.mkdir(`${dataDir}/postgres/base`, { recursive: true });
  await Deno.writeTextFile(`${dataDir}/postgres/base/1`, "");
  await Deno.writeTextFile(`${dataDir}/keys.json`, "{}");
  await Deno.symlink(elsewhere, `${dataDir}/link`);
  const loose: [path: string, before: number, after: number][] = [
    ["", 0o755, 0o700],
    ["/postgres", 0o777, 0o700],
    ["/postgres/base", 0o750, 0o700],
    ["/postgres/base/1", 0o666, 0o600],
    ["/keys.json", 0o604, 0o600],
  ];
  for (const [path, mode] of loose) await Deno.chmod(dataDir + path, mode);

  assert.match(keepToOwner(dataDir)!, new RegExp(`^${dataDir} was open .*: 5 files and folders`));
  for (const [path, , mode] of loose) assert.equal(modeOf(dataDir + path), mode, path);
  assert.equal(modeOf(elsewhere), 0o644, "what a link leads to is not ours");
  assert.equal(keepToOwner(dataDir), undefined, "once");
  assert.equal(keepToOwner(`${dataDir}/nothing`), undefined);
});

Deno.test("a folder that cannot be used is named with the reason", async () => {
  const file = await Deno.makeTempFile();
  const wrong = new RegExp(
    `^DATA_DIR \\(${file}\\S*\\) cannot be used: (Not a directory|File exists)`,
  );
  for (const dataDir of [file, `${file}/inside`]) {
    for (const use of [() => keepKeys(dataDir), () => lockDataDir(dataDir)]) {
      await assert.rejects(async () => await use(), (error) => {
        assert.ok(error instanceof DataDirError, String(error));
        assert.match(error.message, wrong);
        return true;
      });
    }
  }
  const dataDir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dataDir}/keys.json`, "");
  assert.throws(() => keepKeys(dataDir), DataDirError, "keys that are cut off");
});
