/** The key of BullMQ's own hash of a job. @param queue With its prefix. */
export function jobKeyOf(queue: string, jobId: string): string {
  return `${queue}:${jobId}`;
}
