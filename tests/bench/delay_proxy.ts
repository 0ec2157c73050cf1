/**
 * `delay_proxy.ts <target port> <ms>`: a TCP proxy on a free port, which it prints, whose answers
 * arrive so much later: a server on another machine, as far as round trips go. A process of its
 * own, so that its work is not the measured one's.
 */
const [targetPort, delayMs] = Deno.args.map(Number) as [number, number];

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log((listener.addr as Deno.NetAddr).port);
for await (const client of listener) carry(client);

async function carry(client: Deno.TcpConn): Promise<void> {
  const server = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
  client.setNoDelay(true);
  server.setNoDelay(true);
  await Promise.race([forward(client, server, 0), forward(server, client, delayMs)])
    .catch(() => {});
  for (const end of [client, server]) {
    try {
      end.close();
    } catch {
      // Closed by the other side.
    }
  }
}

/** Each piece so much after it came, in the order it came, and as many under way as there are. */
async function forward(from: Deno.TcpConn, to: Deno.TcpConn, ms: number): Promise<void> {
  let last: Promise<void> = Promise.resolve();
  for (;;) {
    const buffer = new Uint8Array(64 * 1024);
    const count = await from.read(buffer);
    if (count === null) break;
    const piece = buffer.subarray(0, count);
    const due = ms === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
    last = last.then(() => due).then(() => writeAll(to, piece));
    last.catch(() => {});
  }
  await last;
}

async function writeAll(to: Deno.TcpConn, piece: Uint8Array): Promise<void> {
  for (let sent = 0; sent < piece.length;) sent += await to.write(piece.subarray(sent));
}
