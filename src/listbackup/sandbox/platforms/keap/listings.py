"""All list operations of Keap's REST v2 that the sandbox serves."""

from listbackup.sandbox.platforms.keap.listings_partners import PARTNERS
from listbackup.sandbox.platforms.keap.listings_people import PEOPLE
from listbackup.sandbox.platforms.keap.listings_sales import SALES
from listbackup.sandbox.platforms.keap.listings_work import WORK
from listbackup.sandbox.platforms.keap.operations import Listing

LISTINGS: tuple[Listing, ...] = PEOPLE + WORK + SALES + PARTNERS
