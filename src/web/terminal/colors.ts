// What switches colors of the terminal on and off.

export const RED = '\x1b[31m';
export const GREY = '\x1b[90m';
export const BOLD = '\x1b[1m';
export const PLAIN = '\x1b[0m';
