"""Background work that outlives its process: started, shown, cancelled and resumed by id.

Kinds of work are registered as functions; what computes gets a process of its own, and what a job has finished is not
done again after a crash. DBOS, which keeps the books, is loaded with the first job and nowhere else.
"""

from signalbox.jobs.context import Context
from signalbox.jobs.jobs import Jobs
from signalbox.jobs.kinds import Kind
from signalbox.jobs.task import AsyncContext
from signalbox.jobs.types import Job, JobPage, JobProblem, JobState

__all__ = ["AsyncContext", "Context", "Job", "JobPage", "JobProblem", "JobState", "Jobs", "Kind"]
