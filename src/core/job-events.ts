/** The port to the news that something has happened to a job at the service, for all processes that poll it. */

/** A hint and no more: what has happened is learnt by reading the job. */
export interface JobEvents {
  /**
   * Notifies all who are subscribed to this job, in every process with the same service and key.
   * @throws when the news cannot be kept; the service has to send it again then
   */
  addMarker(remoteId: string): Promise<void>;
  /**
   * Resolves within about 300 ms of the next event marker for this job. One that was made in the minute before, and of
   * which no subscriber of this process knows, counts as well: it may have come while the job was being read.
   * Rejects with `signal.reason` as soon as `signal` is aborted, and for no other reason: without markers it waits.
   * A pending subscription never keeps the process alive.
   */
  subscribe(remoteId: string, signal: AbortSignal): Promise<void>;
  /**
   * Epoch milliseconds of the newest marker of the last day, for whichever job and by whichever process: whether events
   * arrive here at all. Never rejects.
   */
  lastMarkerAt(): Promise<number | undefined>;
}
