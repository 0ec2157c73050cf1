/** A query as Aliyun signs it: sorted by name; it must be sent exactly like this. */
export function canonicalQuery(parameters: Record<string, string>): string {
  return Object.keys(parameters).sort()
    .map((name) => `${encode(name)}=${encode(parameters[name]!)}`).join("&");
}

/** As RFC 3986 says: `encodeURIComponent` leaves five characters alone that it reserves. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
