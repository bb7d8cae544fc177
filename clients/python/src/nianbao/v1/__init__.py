"""The messages, enums and options of the schema."""

from nianbao.v1.admin_service_pb2 import *
from nianbao.v1.aggregate_pb2 import *
from nianbao.v1.aggregate_service_pb2 import *
from nianbao.v1.diff_pb2 import *
from nianbao.v1.disclosure_pb2 import *
from nianbao.v1.disputes_pb2 import *
from nianbao.v1.document_service_pb2 import *
from nianbao.v1.error_reason_pb2 import *
from nianbao.v1.export_pb2 import *
from nianbao.v1.finding_pb2 import *
from nianbao.v1.format_pb2 import *
from nianbao.v1.format_service_pb2 import *
from nianbao.v1.journal_pb2 import *
from nianbao.v1.life_pb2 import *
from nianbao.v1.options_pb2 import *
from nianbao.v1.organ_pb2 import *
from nianbao.v1.organ_service_pb2 import *
from nianbao.v1.outlier_pb2 import *
from nianbao.v1.receipt_pb2 import *
from nianbao.v1.reconcile_pb2 import *
from nianbao.v1.report_pb2 import *
from nianbao.v1.report_service_pb2 import *
from nianbao.v1.requests_pb2 import *
from nianbao.v1.years_pb2 import *
