/** What a group's keystore is sealed for. */
export function keystoreBinding(groupId: number): string {
  return `groups.keystore:${groupId}`;
}
