"""For `manage.py test --parallel 2`: two test cases, so that two databases are made."""

from django.contrib.auth.models import Group
from django.db import connection
from django.test import TestCase


class First(TestCase):
    def test_it_writes(self):
        Group.objects.create(name="first")
        self.assertEqual(Group.objects.get().name, "first")


class Second(TestCase):
    def test_it_is_in_a_test_database(self):
        Group.objects.create(name="second")
        self.assertTrue(connection.settings_dict["NAME"].startswith("test_"))
