// What every home of the embedded store exports.

export { ReplyError, RespiteError, type RespiteErrorCode } from './errors.ts';
export type { CommandArguments, CommandReplies } from './generated/command_types.ts';
export type { Link, LinkHandlers, LinkOptions } from './link.ts';
export type { CommandArg, Reply } from './reply.ts';
export type { Pipeline, PreparedBatch, RequestOptions, Transaction } from './requests.ts';
export { type CommandView, RespiteBase, type SessionOptions } from './respite.ts';
export type { Session } from './session.ts';
export type { ClockOption, StoreClock } from './store_clock.ts';
export type { Message, Monitor, Subscription, SubscriptionOptions } from './subscription.ts';
export type { AnyCommandName, ArgumentsOf, CommandName, ReplyOf } from './typed_command.ts';
