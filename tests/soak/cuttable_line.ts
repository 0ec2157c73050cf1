/** A way to a server for one TCP connection, which can be cut as a phone loses its network. */
export interface CuttableLine {
  /** Where the client connects to. */
  port: number;
  /** Ends it on both sides with no good-bye of the protocol above; whatever is under way is lost. */
  cut(): void;
}

/** Opens a line to a port of this machine. */
export function openCuttableLine(port: number): CuttableLine {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let ends: Deno.TcpConn[] = [];
  let isCut = false;
  const cut = () => {
    isCut = true;
    for (const end of [listener, ...ends]) closeQuietly(end);
    ends = [];
  };
  const carry = async () => {
    const client = await listener.accept();
    ends.push(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    ends.push(server);
    if (isCut) return cut();
    // An end of one direction is the end of the line.
    await Promise.race([pump(client, server), pump(server, client)]);
  };
  carry().catch(() => {}).finally(cut);
  return { port: (listener.addr as Deno.NetAddr).port, cut };
}

async function pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
  }
}

function closeQuietly(end: { close(): void }): void {
  try {
    end.close();
  } catch {
    // Closed already.
  }
}
