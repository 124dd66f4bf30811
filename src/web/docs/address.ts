// Addresses of commands on the page: "config|get" is at #/commands/config-get.

export function commandAddress(fullName: string): string {
  return `#/commands/${fullName.replace('|', '-')}`;
}

/** The full name of the command whose address ends so: its first dash stands between command and subcommand. */
export function commandAt(detail: string): string {
  return detail.replace('-', '|');
}
