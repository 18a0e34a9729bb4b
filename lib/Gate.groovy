import nextflow.Global
import nextflow.Session

/**
 * Lets a bounded number of tasks into the head. Nextflow makes a task of every input that it is given, at once,
 * and keeps it until it has run, whatever the executor's queueSize: memory by the hundred thousand of them.
 */
class Gate {

    // several times the longest queue (conf/*.config), so that no executor ever waits for work
    private static final int MOST = 8000

    private final int most
    private int inside = 0

    Gate(int most = MOST) {
        this.most = most
    }

    /** Waits until fewer than `most` tasks are inside, then lets in `n`; false when the run has failed meanwhile. */
    synchronized boolean enter(int n) {
        while (inside >= most) {
            if (isOver()) return false
            wait(1000)
        }
        inside += n
        return true
    }

    /** One task is done. */
    synchronized void leave() {
        inside -= 1
        notifyAll()
    }

    /** A run that failed finishes what it began: nobody leaves any more. */
    private static boolean isOver() {
        def session = Global.session as Session
        return session == null || session.isCancelled() || session.isAborted()
    }
}
