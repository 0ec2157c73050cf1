import { type Context, Hono } from "hono";
import { html } from "hono/html";
import { randomHex32 } from "../../config/keys.ts";
import { lazy } from "../../config/runtime/lazy.ts";
import { DomainError } from "../../db/domain/errors.ts";
import type { Deps } from "../deps.ts";
import { originOf } from "../origin.ts";
import type { Env } from "../serve.ts";

/** Codes are url-safe base64 behind a key's number, or a word and an id. */
const CODE_FILE = /^([\w.-]{1,512})\.svg$/;

const loadInvites = lazy(() => import("../../db/domain/groups/confirm_invite.ts"));
const loadScans = lazy(() => import("../../db/domain/groups/join_by_scan.ts"));
const loadQr = lazy(() => import("uqr"));

/**
 * What the chat app opens in a browser: the pages on which one lets invited people in or joins a
 * group by its code, and QR codes as pictures. Raw Hono: these answer HTML and SVG.
 */
export function imPages({ config }: Deps): Hono<Env> {
  const hono = new Hono<Env>();

  hono.get("/h5/group/invite", (c) =>
    answering(c, async () => {
      const { invite_no: inviteNo = "", auth_code: authCode = "" } = c.req.query();
      const { readInviteByCode } = await loadInvites();
      const invite = await readInviteByCode(c.get("ctx"), { inviteNo, authCode });
      const search = new URLSearchParams({ auth_code: authCode });
      return {
        title: "群聊邀请确认",
        lines: [
          `${invite.inviter.name} 想邀请 ${invite.people.length} 位朋友加入群聊“${invite.groupName}”`,
          ...invite.people.map(({ name }) => name),
          ...invite.remark === "" ? [] : [`备注：${invite.remark}`],
        ],
        button: invite.isConfirmed ? undefined : {
          label: "确认邀请",
          method: "POST",
          url: `/group/invite/sure?${search}`,
        },
        done: "已确认",
      };
    }));

  hono.get("/h5/group/join", (c) =>
    answering(c, async () => {
      const { group_no: groupNo = "", auth_code: authCode = "" } = c.req.query();
      const { readGroupToJoin } = await loadScans();
      const group = await readGroupToJoin(c.get("ctx"), { groupNo, authCode });
      const search = new URLSearchParams({ auth_code: authCode });
      return {
        title: "加入群聊",
        lines: [group.name, `${group.memberCount} 人`],
        button: { label: "加入群聊", method: "GET", url: `/groups/${groupNo}/scanjoin?${search}` },
        done: "已加入",
      };
    }));

  hono.get("/qr/:file", async (c, next) => {
    const code = CODE_FILE.exec(c.req.param("file"))?.[1];
    if (code === undefined) return await next();
    const { renderSVG } = await loadQr();
    return c.body(renderSVG(`${originOf(config, c.req)}/qrcode/${code}`, { border: 4 }), 200, {
      "Content-Type": "image/svg+xml",
      "Content-Security-Policy": "default-src 'none'",
    });
  });
  return hono;
}

interface Page {
  title: string;
  lines: string[];
  /** Absent: there is nothing left to do. */
  button: { label: string; method: string; url: string } | undefined;
  /** What stands there once it is done. */
  done: string;
}

/** Answers a page, or one that says why there is none. */
async function answering(c: Context<Env>, read: () => Promise<Page>): Promise<Response> {
  c.header("Cache-Control", "no-store");
  try {
    return page(c, await read());
  } catch (error) {
    if (!(error instanceof DomainError) || error.family === "unavailable") throw error;
    c.status(400);
    return page(c, { title: "无法打开", lines: [error.message], button: undefined, done: "" });
  }
}

/** The button calls its address and says what came of it; the nonce lets this script run alone. */
function page(c: Context<Env>, { title, lines, button, done }: Page) {
  const nonce = randomHex32();
  c.header(
    "Content-Security-Policy",
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  return c.html(html`
    <!doctype html>
    <html lang="zh">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title}</title>
        <link rel="icon" href="data:,">
        <style nonce="${nonce}">
        body { margin: 0 auto; max-width: 28rem; padding: 2rem 1.25rem; font: 1rem/1.6 system-ui, sans-serif; }
        h1 { font-size: 1.25rem; }
        p { margin: 0.25rem 0; overflow-wrap: anywhere; }
        button { width: 100%; margin-top: 1.5rem; padding: 0.875rem; border: 0; border-radius: 0.5rem;
          background: #07c160; color: #fff; font-size: 1rem; }
        button:disabled { opacity: 0.5; }
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        ${lines.map((line) => html`<p>${line}</p>`)}
        ${button
          ? html`<button type="button" data-method="${button.method}" data-url="${button.url}">${button.label}</button>`
          : html`<p>${done}</p>`}
        <p role="status" data-done="${done}"></p>
        <script nonce="${nonce}">
        const button = document.querySelector("button");
        const status = document.querySelector("[role=status]");
        button?.addEventListener("click", async () => {
          button.disabled = true;
          try {
            const answer = await fetch(button.dataset.url, { method: button.dataset.method });
            const said = await answer.json();
            status.textContent = answer.ok ? status.dataset.done : said.msg;
            button.disabled = answer.ok;
          } catch {
            status.textContent = "网络不可用，请重试";
            button.disabled = false;
          }
        });
        </script>
      </body>
    </html>
  `);
}
