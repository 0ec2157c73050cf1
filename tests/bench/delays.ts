/** A TCP proxy in front of a service on this machine, which is as far away as its delay. */
export interface DelayProxy extends AsyncDisposable {
  port: number;
}

/** @param delayMs how much later answers arrive */
export async function startDelayProxy(targetPort: number, delayMs: number): Promise<DelayProxy> {
  const script = new URL("delay_proxy.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net", script, String(targetPort), String(delayMs)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  return {
    port: Number(value),
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await reader.cancel();
      await process.status;
    },
  };
}
