// When something is to happen again and again: five fields (minute, hour, day of the month, month, day of
// the week), six with seconds in front, or @hourly, @daily and the like. Times are local.

import { Cron } from 'croner';

/** Why the text is no schedule; undefined when it is one, or empty. */
export function checkSchedule(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    // Without a function nothing is started.
    if (new Cron(text).nextRun() !== null) return undefined;
    return 'backup-schedule has no time that is still to come';
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern:\s*/, '') : '';
    return `backup-schedule must be a cron expression such as "0 3 * * *": ${reason}`;
  }
}

/** The next time of a schedule behind a moment, in Unix milliseconds; undefined when there is none. */
export function nextTime(schedule: string, afterMs: number): number | undefined {
  return new Cron(schedule).nextRun(new Date(afterMs))?.getTime();
}
