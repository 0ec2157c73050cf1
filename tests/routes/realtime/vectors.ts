import { Buffer } from "node:buffer";
import type { FrameInput, Sender } from "../../../routes/realtime/wukong/frames.ts";

/** Made with the client's own code and computed again independently. */
export const vectors = {
  clientPrivate: new TextEncoder().encode("0123456789abcdef0123456789abcdef"),
  serverPrivate: Uint8Array.from({ length: 32 }, (_, at) => at + 1),
  clientPublic: "hlF7wMOf6Ha3ZGy1407gPa9xzLrWdFDBapcK2MvAPn4=",
  serverPublic: "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=",
  salt: "abcdefghijklmnop",
  payload: '{"content":"hi","type":1}',
  sealed: "qEH3Rd+8qZKjNCflw+zlIn0LM0N/1k+6ZCSZJ9mXkxs=",
  sendMsgKey: "fbe959dcbfd316dd4345712a27c4e578",
  recvMsgKey: "92cd00a33efefc312c7d463df04f643f",
};

const sealed = new TextEncoder().encode(vectors.sealed);
const redDot = { redDot: true };

/** Frames of version 2 and their bytes. */
export const frameVectors: { frame: FrameInput; hex: string }[] = [
  {
    frame: {
      type: "connect",
      version: 2,
      deviceFlag: 1,
      deviceId: "devW",
      uid: "alice",
      token: "tok",
      clientTimestamp: 1_700_000_000_000n,
      clientKey: vectors.clientPublic,
    },
    hex: "104a02010004646576570005616c6963650003746f6b0000018bcfe56800002c" +
      "686c4637774d4f66364861335a47793134303767506139787a4c7257644644426170634b324d7641506e343d",
  },
  {
    frame: {
      type: "connack",
      timeDiff: 0n,
      reasonCode: 1,
      serverKey: vectors.serverPublic,
      salt: vectors.salt,
    },
    hex: "2049000000000000000001002c" +
      "42364e38764251676b38693356647762454f687374435933537446717146507443392f41737268744848773d" +
      "00106162636465666768696a6b6c6d6e6f70",
  },
  {
    frame: {
      type: "send",
      flags: redDot,
      setting: 0,
      clientSeq: 1,
      clientMsgNo: "m1",
      channelId: "bob",
      channelType: 1,
      msgKey: vectors.sendMsgKey,
      payload: sealed,
    },
    hex: "325d000000000100026d310003626f62010020" +
      "6662653935396463626664333136646434333435373132613237633465353738" +
      "7145483352642b38715a4b6a4e43666c772b7a6c496e304c4d304e2f316b2b365a43535a4a396d586b78733d",
  },
  {
    frame: { type: "sendack", messageId: 1001, clientSeq: 1, messageSeq: 7, reasonCode: 1 },
    hex: "401100000000000003e9000000010000000701",
  },
  {
    frame: {
      type: "recv",
      flags: redDot,
      setting: 0,
      msgKey: vectors.recvMsgKey,
      fromUid: "alice",
      channelId: "alice",
      channelType: 1,
      clientMsgNo: "m1",
      messageId: 1001,
      messageSeq: 7,
      timestamp: 1_700_000_000,
      payload: sealed,
    },
    hex: "527200002039326364303061333365666566633331326337643436336466303466363433660005" +
      "616c6963650005616c6963650100026d3100000000000003e9000000076553f100" +
      "7145483352642b38715a4b6a4e43666c772b7a6c496e304c4d304e2f316b2b365a43535a4a396d586b78733d",
  },
];

export const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
export const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

const CLIENT_TYPES = ["connect", "send", "recvack", "ping", "sub"];
export const senderOf = ({ type }: FrameInput): Sender =>
  CLIENT_TYPES.includes(type) ? "client" : "server";
