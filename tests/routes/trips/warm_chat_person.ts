import { askIm, type ChatLogin } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";

/** A person of the chat app whose session is in the cache, as after any first call. */
export async function warmChatPerson(app: TestApp, name = "Toby"): Promise<ChatLogin> {
  const person = await makeAccount(app, { name });
  await askIm(app, "GET", "/user/customerservices", { token: person.token });
  return person;
}
